# The targets call the very commands that README.md and .ci/run name.
.PHONY: demo test bench ci

demo:
	go run ./cmd/etl demo

test:
	go test ./...

bench:
	go test -run '^$$' -bench . -benchtime 1x ./cmd/etl ./transform/... ./load/...

ci:
	.ci/run
