package transport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/url"

	"nightjar/extract"
)

// elsewhere reports whether err says that the address is wrong, or not the
// vendor's: no such host, or one whose certificate is not for it. To ask again
// changes nothing; a name server that does not answer is another matter.
func elsewhere(err error) bool {
	if name, ok := errors.AsType[*net.DNSError](err); ok {
		return name.IsNotFound && !name.IsTemporary && !name.IsTimeout
	}
	return isA[*tls.CertificateVerificationError](err) || isA[x509.HostnameError](err) || isA[x509.UnknownAuthorityError](err) || isA[x509.CertificateInvalidError](err) ||
		isA[tls.RecordHeaderError](err) || errors.Is(err, http.ErrSchemeMismatch) // an answer in clear where TLS was to begin
}

// isA reports whether err is, or wraps, an error of type E.
func isA[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

// nothingThere reports whether a status says that the path leads nowhere, or not
// to what was asked for, redirects included.
func nothingThere(status int) bool {
	switch status {
	case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusGone, http.StatusMisdirectedRequest:
		return true
	}
	return status >= 300 && status < 400
}

// bareAddress is an address without what may be a credential: user, query and fragment.
func bareAddress(u *url.URL) string {
	return extract.Printable(u.Scheme + "://" + u.Host + u.Path)
}

// networkError is an error of the way to the vendor. It may quote what stood in a
// certificate or a header, and is shown as printable text.
type networkError struct {
	text  string
	cause error
}

func (e *networkError) Error() string { return e.text }
func (e *networkError) Unwrap() error { return e.cause }

// onTheWay is err as an error may show it: without the address, whose user or
// query may hold a credential, and without what the request carries. The words of
// this machine's network, addresses among them, stay; what only the vendor can
// have written is told as any other of its words.
func onTheWay(err error, s secrets) error {
	err = withoutURL(err)
	text := s.plain(err.Error(), longestDetail)
	if isA[*net.OpError](err) || isA[*net.DNSError](err) {
		text = shorten(extract.Printable(s.in(err.Error())), longestDetail)
	}
	return &networkError{text, err}
}

// withoutURL is err without the address that was asked, which may hold
// credentials in its user part or its query.
func withoutURL(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	if errors.Is(err, context.Canceled) {
		return context.Canceled
	}
	return err
}
