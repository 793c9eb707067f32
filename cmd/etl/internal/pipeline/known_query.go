package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"nightjar/load/database"
)

// operators runs a query of the operator's over the live generation, and returns its
// one column as text. It is to be one SELECT: DuckDB's parser says whether it is. What
// a SELECT may reach beside the tables, the database has shut.
func (k *known) operators(ctx context.Context, query string) ([]string, error) {
	parsed, err := column[string](ctx, k, "SELECT json_serialize_sql("+database.Text(query)+")::VARCHAR")
	if err != nil || len(parsed) == 0 {
		return nil, err
	}
	var said struct {
		Error      bool              `json:"error"`
		Message    string            `json:"error_message"`
		Statements []json.RawMessage `json:"statements"`
	}
	switch err := json.Unmarshal([]byte(parsed[0]), &said); {
	case err != nil:
		return nil, errors.New("DuckDB does not say what the query is")
	case said.Error:
		return nil, fmt.Errorf("%s; want one SELECT that returns contact ids", said.Message)
	case len(said.Statements) != 1:
		return nil, fmt.Errorf("it is %d statements; want one SELECT that returns contact ids", len(said.Statements))
	}
	// The line break ends a comment that the query may end with.
	return column[string](ctx, k, "SELECT COLUMNS(*)::VARCHAR FROM ("+query+"\n)")
}
