package sandbox

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// deskFields are what Desk filters on and orders by.
func deskFields() []string {
	return []string{"contactId", "createdAt", "deletedAt", "id", "state", "ticket_id", "updatedAt"}
}

// values are the conversation's fields as a filter sees them.
func (t *ticket) values(now time.Time) map[string]any {
	v := map[string]any{
		"contactId": float64(t.contactID), "createdAt": t.created, "deletedAt": time.Time{}, "id": float64(t.id),
		"state": "active", "ticket_id": float64(t.ticketID), "updatedAt": t.updated(now),
	}
	if reached(t.deleted, now) {
		v["deletedAt"], v["state"] = t.deleted, "deleted"
	}
	return v
}

func compareValues(a, b any) int {
	switch a := a.(type) {
	case time.Time:
		if b, ok := b.(time.Time); ok {
			return a.Compare(b)
		}
	case float64:
		if b, ok := b.(float64); ok {
			return cmp.Compare(a, b)
		}
	}
	return cmp.Compare(fmt.Sprint(a), fmt.Sprint(b))
}

// filter is a condition on a conversation's fields.
type filter struct {
	match   func(values map[string]any) bool
	deleted bool // it speaks of deletion, so that deleted rows are looked at
}

// readFilter reads Desk's filter language. An empty text lets all through.
func readFilter(text string) (filter, error) {
	f := filter{match: func(map[string]any) bool { return true }}
	if text == "" {
		return f, nil
	}
	var tree map[string]any
	if err := json.Unmarshal([]byte(text), &tree); err != nil {
		return f, fmt.Errorf("the filter is no JSON object")
	}
	var err error
	f.match, err = readCondition(tree)
	f.deleted = strings.Contains(text, `"state"`) || strings.Contains(text, `"deletedAt"`)
	return f, err
}

type condition = func(values map[string]any) bool

func readCondition(tree map[string]any) (condition, error) {
	var all []condition
	for key, value := range tree {
		var c condition
		var err error
		if key == "$and" || key == "$or" {
			c, err = readJunction(key, value)
		} else {
			c, err = readField(key, value)
		}
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return every(all), nil
}

func every(all []condition) condition {
	return func(values map[string]any) bool {
		return !slices.ContainsFunc(all, func(c condition) bool { return !c(values) })
	}
}

func readJunction(key string, value any) (condition, error) {
	list, ok := value.([]any)
	if !ok {
		return nil, fmt.Errorf("%s takes a list", key)
	}
	var all []condition
	for _, item := range list {
		tree, ok := item.(map[string]any)
		if !ok {
			return nil, fmt.Errorf("%s takes a list of objects", key)
		}
		c, err := readCondition(tree)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	if key == "$and" {
		return every(all), nil
	}
	return func(values map[string]any) bool {
		return slices.ContainsFunc(all, func(c condition) bool { return c(values) })
	}, nil
}

func readField(field string, value any) (condition, error) {
	if !slices.Contains(deskFields(), field) {
		return nil, fmt.Errorf("%q is no field to filter on", field)
	}
	operators, ok := value.(map[string]any)
	if !ok {
		operators = map[string]any{"$eq": value}
	}
	var all []condition
	for operator, operand := range operators {
		holds, err := readOperator(operator)
		if err != nil {
			return nil, err
		}
		operands, list := operand.([]any)
		if list != (operator == "$in") {
			return nil, fmt.Errorf("%s of %s takes another kind of value", operator, field)
		}
		if !list {
			operands = []any{operand}
		}
		for i, o := range operands {
			if operands[i], err = readOperand(field, o); err != nil {
				return nil, err
			}
		}
		all = append(all, func(values map[string]any) bool {
			return slices.ContainsFunc(operands, func(o any) bool { return holds(compareValues(values[field], o)) })
		})
	}
	return every(all), nil
}

func readOperator(name string) (func(c int) bool, error) {
	switch name {
	case "$eq", "$in":
		return func(c int) bool { return c == 0 }, nil
	case "$lt":
		return func(c int) bool { return c < 0 }, nil
	case "$lte":
		return func(c int) bool { return c <= 0 }, nil
	case "$gt":
		return func(c int) bool { return c > 0 }, nil
	case "$gte":
		return func(c int) bool { return c >= 0 }, nil
	}
	return nil, fmt.Errorf("%q is no operator", name)
}

// readOperand turns what is compared with a time into one.
func readOperand(field string, value any) (any, error) {
	if !strings.HasSuffix(field, "At") {
		return value, nil
	}
	text, _ := value.(string)
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return nil, fmt.Errorf("%v is no time", value)
	}
	return at, nil
}
