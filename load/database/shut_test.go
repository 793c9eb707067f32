package database_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"nightjar/load/database"
)

// A statement reaches the files of its database's folder and no others, and opens
// nothing again that is shut.
func TestStatementsAreShutIn(t *testing.T) {
	dir, secret := t.TempDir(), filepath.Join(t.TempDir(), "secret.csv")
	if err := os.WriteFile(secret, []byte("secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "analytics.duckdb")
	made, err := database.Open(t.Context(), path, database.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	inside := "COPY (SELECT 1 AS one) TO " + database.Text(filepath.Join(dir, "one.parquet"))
	if err := made.Exec(t.Context(), inside); err != nil {
		t.Errorf("a file of the folder: %v", err)
	}
	statements := map[string]string{
		"a copy":     "COPY (SELECT 1 AS one) TO " + database.Text(filepath.Join(dir, "..", "one.parquet")),
		"a read":     "SELECT * FROM read_text(" + database.Text(secret) + ")",
		"a glob":     "SELECT * FROM glob('/etc/*')",
		"a database": "ATTACH " + database.Text(filepath.Join(filepath.Dir(secret), "other.duckdb")),
		"an address": "SELECT * FROM read_csv('http://127.0.0.1:1/a.csv')",
		"a setting":  "SET enable_external_access = true",
		"a folder":   "SET allowed_directories = ['/']",
		"an install": "INSTALL httpfs",
		"a lock":     "SET lock_configuration = false",
		"more room":  "SET memory_limit = '100GB'",
	}
	if err := made.Lock(t.Context()); err != nil {
		t.Fatal(err)
	}
	refuse(t, made, statements)
	if err := made.Finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	read, err := database.OpenReadOnly(t.Context(), path, database.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	statements["a table"] = "CREATE TABLE t (i INTEGER)"
	refuse(t, read, statements)
}

func refuse(t *testing.T, db *database.DB, statements map[string]string) {
	t.Helper()
	for name, s := range statements {
		rows, err := db.Query(t.Context(), s)
		if err == nil {
			for rows.Next() {
			}
			err = rows.Err()
			rows.Close()
		}
		if err == nil {
			t.Errorf("%s is not refused: %s", name, s)
		}
	}
}

// A path is a path, whatever it looks like to a driver.
func TestOddPaths(t *testing.T) {
	for _, name := range []string{"access_mode=read_only", "100% of it", "it's", "a:b", "naïve", "#1"} {
		path := filepath.Join(t.TempDir(), name, "analytics.duckdb")
		if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		db, err := database.Open(t.Context(), path, database.Limits{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if err := db.Exec(t.Context(), "CREATE TABLE t AS SELECT 7 AS seven"); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := db.Finish(t.Context()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if db, err = database.OpenReadOnly(t.Context(), path, database.Limits{}); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		seven := 0
		if err := db.Scalar(t.Context(), "SELECT seven FROM t", &seven); err != nil || seven != 7 {
			t.Errorf("%s: %d, %v", name, seven, err)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
		if left, err := os.ReadDir(filepath.Dir(path)); err != nil || len(left) != 1 || !strings.HasSuffix(left[0].Name(), ".duckdb") {
			t.Errorf("%s: beside the database: %v, %v", name, left, err)
		}
	}
}
