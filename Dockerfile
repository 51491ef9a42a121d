# An edge by default; what else it does, the command says: `migrate`, `user add`, `simulate …`.
FROM python:3.11-slim AS build
WORKDIR /src
COPY requirements.lock ./
RUN python -m venv /opt/oktograph \
 && /opt/oktograph/bin/pip install --no-cache-dir --require-hashes -r requirements.lock
COPY pyproject.toml README.md ./
COPY compat_rest compat_rest
COPY domain domain
COPY drivers drivers
COPY frontend_contracts/operations frontend_contracts/operations
COPY graph graph
COPY migrations migrations
COPY oktograph oktograph
RUN /opt/oktograph/bin/pip install --no-cache-dir --no-deps --no-build-isolation .

FROM python:3.11-slim
RUN useradd --system --uid 10001 --create-home oktograph \
 && install --directory --owner=oktograph --mode=0700 /data /mqtt
COPY --from=build /opt/oktograph /opt/oktograph
ENV PATH=/opt/oktograph/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    OKTOGRAPH_DATA_DIR=/data \
    OKTOGRAPH_HOST=0.0.0.0 \
    OKTOGRAPH_LOG_FORMAT=json
USER oktograph
WORKDIR /data
VOLUME /data
EXPOSE 8080 8081
ENTRYPOINT ["oktograph"]
CMD ["serve", "--role", "edge"]
