package transport_test

import (
	"compress/gzip"
	"io"
	"net/http"
	"sync/atomic"
)

// endless writes n zeros, or until the client is gone.
func endless(w http.ResponseWriter, encoding string, n int64, written *atomic.Int64) {
	out := io.Writer(w)
	if encoding == "gzip" {
		w.Header().Set("Content-Encoding", "gzip")
		z, _ := gzip.NewWriterLevel(w, gzip.BestSpeed)
		defer z.Close()
		out = z
	}
	zeros := make([]byte, 64<<10)
	for ; written.Load() < n; written.Add(int64(len(zeros))) {
		if _, err := out.Write(zeros); err != nil {
			return
		}
	}
}
