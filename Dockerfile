# syntax=docker/dockerfile:1

FROM rust:1.95-slim-bookworm AS build
# ring compiles some C.
RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked --bin kube-mcp && cp target/release/kube-mcp /kube-mcp

# glibc and certificates, and nothing else: no shell, no package manager, not root. Exec credential plugins are not in
# it either: in a cluster the service account is used; for other clusters build on this image.
FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /kube-mcp /usr/local/bin/kube-mcp
USER nonroot
# MCP over stdio: docker run -i --rm IMAGE
ENTRYPOINT ["/usr/local/bin/kube-mcp"]
CMD ["serve"]
