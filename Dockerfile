# sera in a container: for `docker run`, for a pod, and to copy the two programs into your own image.
# The build context holds the release's Linux binaries as dist/sera-amd64 and dist/sera-arm64. Version, revision and source
# become labels by the build command, which knows them.

# On the builder's own architecture, so that no emulation is needed for the other one.
FROM --platform=$BUILDPLATFORM debian:bookworm-slim AS tini
ARG TARGETARCH
WORKDIR /tini
RUN dpkg --add-architecture "$TARGETARCH" \
 && apt-get update \
 && apt-get download "tini:$TARGETARCH" \
 && dpkg-deb --extract tini_*.deb .

# The binary needs glibc; sera needs sh and cat, so that a command does not outlive it and a lock can be looked at. It
# brings its own certificates.
FROM debian:bookworm-slim
ARG TARGETARCH
LABEL org.opencontainers.image.title="sera" \
      org.opencontainers.image.description="Runs a command while holding a lock that the whole cluster shares" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.base.name="docker.io/library/debian:bookworm-slim"
# The static one, which also runs in an image without glibc.
COPY --from=tini --chmod=755 /tini/usr/bin/tini-static /usr/bin/tini
COPY --from=tini /tini/usr/share/doc/tini/copyright /usr/share/doc/tini/
COPY --chmod=755 dist/sera-${TARGETARCH} /usr/bin/sera
COPY LICENSE /usr/share/doc/sera/
# By number, which Kubernetes asks for with runAsNonRoot.
USER 65532:65532
# sera passes signals on and exits with the command's status, but its runtime cannot reap the orphans of other processes, so
# tini is process 1. With -s it also reaps them, and does not complain, where something else is process 1, as with
# `docker run --init`. There is no CMD: a job that lost its command should fail, not print a help text.
ENTRYPOINT ["/usr/bin/tini", "-s", "--", "/usr/bin/sera"]
