# One entry for people and CI. `just` lists the recipes.

_default:
    @just --list

# What CI runs first, without a cluster.
check: fmt-check lint test docs

# Every test, the operations on the embedded cluster.
test *ARGS:
    cargo test --workspace --locked {{ARGS}}

# The operations on the cluster that KUBECONFIG names.
test-cluster *ARGS:
    REQUIRE_CLUSTER=1 cargo test --locked --test operations {{ARGS}}

# Every tool through the MCP inspector, the command line and the Python SDK, on the cluster that KUBECONFIG names.
acceptance:
    tests/acceptance/run

# Rust and specs.
lint:
    cargo clippy --workspace --all-targets --all-features --locked -- -D warnings
    cargo run --quiet --locked -- lint

fmt:
    cargo fmt --all

fmt-check:
    cargo fmt --all --check

docs:
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked

# Rewrites snapshots, goldens and schemas: review their diff.
expect:
    UPDATE_EXPECT=1 cargo test --workspace --locked

# The list of 5,000 pods, on the cluster that KUBECONFIG names (filled by benches/populate), and starts.
bench:
    cargo bench --locked --bench list_pods
    cargo bench --locked --bench start

# What an author waits for: `lint`, and a build after an edit.
author-loop:
    benches/author_loop

# Licences, bans and sources of dependencies.
deny:
    cargo deny check licenses bans sources

# Known vulnerabilities of dependencies.
advisories:
    cargo deny check advisories

# What CI runs, whole.
ci:
    .ci/run
