package main

import (
	"strings"
	"testing"
)

// entry is a table (no column) or a column, and what is said of it.
type entry struct{ table, column, kind, comment string }

// entries reads the dictionary's tables. The cells of a column make its comment.
func entries(dictionary string) map[string]entry {
	all := map[string]entry{}
	table, heads := "", []string(nil)
	for line := range strings.Lines(dictionary) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "#"):
			table, heads = "", nil
			if name, ok := strings.CutPrefix(line, "### `"); ok {
				table = strings.TrimSuffix(name, "`")
			}
		case table == "" || line == "" || strings.HasPrefix(line, "| ---"):
		case !strings.HasPrefix(line, "|"):
			comment := line[:max(strings.LastIndex(line, ". Key: "), strings.LastIndex(line, ". Grain: "))]
			all[table+" "] = entry{table: table, comment: comment}
		case heads == nil:
			heads = cells(line)
		default:
			e := entry{table: table}
			for i, cell := range cells(line) {
				switch head := heads[i]; {
				case head == "column":
					e.column = strings.Trim(cell, "`")
				case head == "type":
					e.kind = cell
				case head == "meaning":
					e.comment = cell
				case cell != "" && cell != "none":
					e.comment += "; " + head + ": " + cell
				}
			}
			all[table+" "+e.column] = e
		}
	}
	return all
}

// cells returns the cells of a line of a Markdown table.
func cells(line string) []string {
	all := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
	for i, c := range all {
		all[i] = strings.TrimSpace(c)
	}
	return all
}

// firstCells returns the first column of the Markdown table with that heading.
func firstCells(t *testing.T, markdown, head string) []string {
	t.Helper()
	var all []string
	inside := false
	for line := range strings.Lines(markdown) {
		row := strings.TrimSpace(line)
		switch {
		case !strings.HasPrefix(row, "|"):
			inside = false
		case cells(row)[0] == head:
			inside = true
		case inside && !strings.HasPrefix(row, "| ---"):
			all = append(all, cells(row)[0])
		}
	}
	if all == nil {
		t.Fatalf("there is no table of %q", head)
	}
	return all
}

// fenced returns the code blocks of a language, without what indents them.
func fenced(markdown, language string) []string {
	var all []string
	var block []string
	inside := false
	for line := range strings.Lines(markdown) {
		switch text := strings.TrimSpace(line); {
		case text == "```"+language:
			inside, block = true, nil
		case inside && text == "```":
			inside, all = false, append(all, strings.Join(block, "\n"))
		case inside:
			block = append(block, text)
		}
	}
	return all
}

func shellLines(markdown string) []string {
	return strings.Split(strings.Join(fenced(markdown, "sh"), "\n"), "\n")
}
