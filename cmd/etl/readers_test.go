package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"nightjar/extract/sandbox"
)

// Readers that open the database and the Parquet again and again, as dashboards
// do, while ten nights are published: no error, no row twice, never fewer rows.
func TestReadersAreNeverBlocked(t *testing.T) {
	const nights, step = 10, 6 * time.Hour
	now := time.Now()
	moving := &clock{at: now.Add(-nights * step)}
	p := newProgram(t)
	night := func() {
		_, p.env = simulate(t, sandbox.Options{Seed: 3, Clock: moving.now, End: now}, nil)
		p.must(exitOK, "run", "-q")
	}
	night()

	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	readings := []chan reading{make(chan reading, 1), make(chan reading, 1)}
	go func() {
		readings[0] <- readAgain(ctx, filepath.Join(p.path("current"), "analytics.duckdb"),
			"SELECT count(*), count(DISTINCT conversation_id) FROM iadvize.conversations")
	}()
	go func() {
		glob := filepath.Join(p.path("current"), "parquet/iadvize/conversations/*/data.parquet")
		readings[1] <- readAgain(ctx, "",
			"SELECT count(*), count(DISTINCT conversation_id) FROM read_parquet('"+strings.ReplaceAll(glob, "'", "''")+"')")
	}()
	for range nights {
		moving.set(moving.now().Add(step))
		night()
	}
	stop()
	for i, name := range []string{"database", "Parquet"} {
		r := <-readings[i]
		if r.err != nil {
			t.Errorf("%s: %v", name, r.err)
		}
		if r.times < nights || r.most <= r.least {
			t.Errorf("%s: read %d times, from %d rows to %d: the test proves nothing", name, r.times, r.least, r.most)
		}
		t.Logf("%s: read %d times, from %d rows to %d", name, r.times, r.least, r.most)
	}
	p.verified()
}

// reading is what a reader saw.
type reading struct {
	times       int
	least, most int64 // rows
	err         error
}

// readAgain opens the file and counts rows and keys until ctx ends or something
// is wrong.
func readAgain(ctx context.Context, file, statement string) reading {
	var r reading
	for ctx.Err() == nil && r.err == nil {
		rows, keys, err := count(file, statement)
		switch {
		case err != nil:
			r.err = err
		case rows != keys:
			r.err = fmt.Errorf("%d rows have %d keys", rows, keys)
		case rows < r.most:
			r.err = fmt.Errorf("%d rows, and %d before", rows, r.most)
		}
		if r.times == 0 {
			r.least = rows
		}
		r.most = rows
		r.times++
		time.Sleep(5 * time.Millisecond) // leaves the two cores to the runs
	}
	return r
}

func count(file, statement string) (rows, keys int64, err error) {
	address := ""
	if file != "" {
		address = file + "?access_mode=READ_ONLY"
	}
	db, err := sql.Open("duckdb", address)
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	err = db.QueryRow(statement).Scan(&rows, &keys)
	return rows, keys, err
}

// Two writers at once: the second says who the first is.
func TestSecondWriterIsTurnedAway(t *testing.T) {
	_, env := simulate(t, sandbox.Options{Seed: 1}, nil)
	first := newProgram(t)
	first.env = env
	first.must(exitOK, "run", "waves", "-q")
	first.must(exitOK, "run", "waves", "-q")

	first.env["IADVIZE_RATE"] = "5/s"
	slow := first.command(t.Context(), "run", "conversations", "-q")
	if err := slow.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		slow.Process.Signal(syscall.SIGTERM)
		_ = slow.Wait() // stopped
	}()
	for deadline := time.Now().Add(20 * time.Second); ; {
		text, err := os.ReadFile(first.path("lock"))
		if err == nil && strings.Contains(string(text), fmt.Sprint(slow.Process.Pid)) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the lock says %q: %v", text, err)
		}
		time.Sleep(5 * time.Millisecond)
	}
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("etl: the warehouse is in use by pid %d on %s since ", slow.Process.Pid, host)
	for _, command := range [][]string{{"run", "calls"}, {"replay"}, {"rollback"}} {
		if r := first.must(exitFailed, command...); !strings.HasPrefix(r.stderr, want) {
			t.Errorf("etl %s says %q, want %q", command[0], r.stderr, want)
		}
	}
	// Who only looks is not turned away.
	for _, command := range []string{"verify", "status", "generations"} {
		first.must(exitOK, command)
	}
	first.must(exitOK, "run", "--dry-run")
}
