// Package testdata gives the sandbox and the tests the vendors' contracts.
package testdata

import "embed"

// Contracts holds the SDL of each GraphQL vendor as contracts/<vendor>.graphql
// and the description of Teamwork Desk's REST API as contracts/desk.md. What a
// vendor documents is CONFIRMED; INFERRED and UNKNOWN are marked.
//
//go:embed contracts
var Contracts embed.FS
