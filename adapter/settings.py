"""Settings: environment variables with the prefix ``EGISZ_``, also from a ``.env`` file."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Literal

from platformdirs import user_cache_path, user_data_path
from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Everything that can be configured; each field is the variable ``EGISZ_<NAME>``."""

    model_config = SettingsConfigDict(env_prefix="EGISZ_", env_file=".env", extra="ignore", frozen=True)

    data: Path = Field(
        default_factory=lambda: user_data_path("egisz"), description="data directory: packs, reference books"
    )
    cache: Path = Field(
        default_factory=lambda: user_cache_path("egisz"),
        description="cache directory: compiled rules; may be deleted at any time",
    )
    packs: Path | None = Field(default=None, description="installed validation packs (default: <data>/packs)")
    nsi: Path | None = Field(default=None, description="imported reference books (default: <data>/nsi)")
    catalogue: Path | None = Field(
        default=None, description="folder with mappings/ and templates/ laid over the built-in ones"
    )
    lang: Literal["ru", "en"] = Field(default="ru", description="language of texts for people")
    xml_max_bytes: int = Field(default=64 * 1024 * 1024, gt=0, description="largest XML document accepted, bytes")
    fhir_max_bytes: int = Field(default=64 * 1024 * 1024, gt=0, description="largest FHIR input accepted, bytes")
    fhir_max_depth: int = Field(default=100, gt=0, description="deepest nesting of a FHIR resource or Bundle, levels")
    fhir_max_entries: int = Field(default=10_000, gt=0, description="most resources of a Bundle and lines of NDJSON")
    nsi_url: str = Field(default="https://nsi.rosminzdrav.ru", description="base address of the НСИ REST service")
    nsi_key: SecretStr | None = Field(default=None, description="access key (userKey) for the НСИ REST service")
    http_timeout: float = Field(default=30.0, gt=0, description="seconds for one HTTP request")
    log_level: Literal["debug", "info", "warning", "error"] = Field(default="warning", description="log level")
    signing: Path | None = Field(default=None, description="keys and whom they serve (default: <data>/signing.yaml)")
    libcrypto: Path | None = Field(
        default=None, description="OpenSSL's libcrypto for GOST signatures (default: that of the machine)"
    )
    openssl: str = Field(default="openssl", description="the openssl command, where libcrypto cannot be opened")

    database_url: SecretStr | None = Field(
        default=None, description="PostgreSQL of the journal (default: an embedded one in <data>/postgres)"
    )
    database_timeout: float = Field(
        default=60.0, gt=0, description="seconds for one statement; a database that takes longer is unreachable"
    )
    migrate: Literal["all", "pre", "check"] = Field(
        default="all",
        description="schema changes at start: all; pre (those that older processes survive); check (none)",
    )
    keys: SecretStr | None = Field(
        default=None,
        description="keys of stored payloads, id:base64 of 32 bytes, the first seals (default: made in <data>/keys)",
    )
    organisations: Path | None = Field(
        default=None, description="configurations of senders, <OID>.yaml each (default: <data>/organisations)"
    )
    convert_processes: int = Field(default=1, gt=0, description="processes that convert, of one worker")
    worker_heartbeat: float = Field(
        default=30.0, ge=1, description="seconds of silence after which a worker is dead, and others take its jobs"
    )
    worker_host: str = Field(default="127.0.0.1", description="address at which a worker tells its health and metrics")
    worker_port: int = Field(
        default=0, ge=0, le=65535, description="port of a worker's health and metrics, of egisz worker; 0: none"
    )
    retry_hours: float = Field(default=72.0, gt=0, description="hours after which what cannot be sent is dead")
    answer_hours: float = Field(
        default=24.0, gt=0, description="hours without an answer after which a sent document is asked about"
    )
    keep_bundles_days: int = Field(
        default=30, ge=0, description="days that Bundles are kept once all their documents are final; 0 keeps all"
    )
    keep_documents_days: int = Field(
        default=0,
        ge=0,
        description="days that registered documents are kept, which may be asked for later; 0 keeps all",
    )
    keep_messages_days: int = Field(default=90, ge=0, description="days that bodies of messages are kept; 0 keeps all")

    remd_url: str = Field(default="", description="address of РЭМД: in ИПС, of the direct port, or of a stand")
    remd_to: str | None = Field(default=None, description="wsa:To (default: the address; empty on a direct port)")
    remd_reply_to: str = Field(default="", description="address of our callback service as ИПС knows it")
    remd_client_id: str = Field(default="", description="UUID of this system in ЕГИСЗ (clientEntityId)")
    remd_wsdl: Path | None = Field(
        default=None, description="official WSDL of РЭМД in place of ours, which is inferred"
    )
    remd_callback_wsdl: Path | None = Field(default=None, description="official WSDL of the callbacks in place of ours")
    remd_files: Literal["answer", "message"] = Field(
        default="answer",
        description="how РЭМД gets a file: in the answer to getDocumentFile, or in a message of its own",
    )
    remd_checksum: Literal["base64-signed", "base64-unsigned", "bytes-signed", "bytes-unsigned"] = Field(
        default="base64-signed", description="CRC32 of files and signatures: over what, and as which number"
    )
    remd_message_id: Literal["bare", "urn"] = Field(default="bare", description="MessageID: a bare UUID, or urn:uuid:")
    remd_algorithms: Literal["uri", "urn"] = Field(default="uri", description="names of algorithms in WS-Security")
    remd_signed: Literal["all", "body"] = Field(
        default="all", description="what WS-Security signs: Body, Timestamp and addresses, or the Body alone"
    )
    remd_content_type: str = Field(default="", description="Content-Type of messages (default: that of SOAP 1.2)")

    base_url: str = Field(
        default="", description="address of this service as callers know it (default: http://<host>:<port>)"
    )
    console: bool = Field(default=True, description="pages for operators and authors of mappings, under /console")
    console_oidc_issuer: str = Field(
        default="", description="issuer of the identity provider (OpenID Connect) for the console; empty: codes alone"
    )
    console_oidc_client_id: str = Field(default="", description="client id of the console at the provider")
    console_oidc_client_secret: SecretStr | None = Field(
        default=None, description="secret of that client, where it has one"
    )
    console_oidc_scope: str = Field(default="openid profile", description="scopes that are asked for, by spaces")
    console_oidc_roles_claim: str = Field(
        default="roles", description="claim of the ID token that holds roles, by dots (realm_access.roles)"
    )
    console_oidc_operator: str = Field(default="egisz-operator", description="value of that claim for operators")
    console_oidc_author: str = Field(default="egisz-author", description="value of that claim for authors of mappings")
    mtls_header: str = Field(
        default="", description="header in which a proxy gives the SHA-256 fingerprint of a client's certificate"
    )
    mtls_proxies: str = Field(default="", description="networks of proxies whose header is believed, by spaces")
    callback_trust: Path | None = Field(
        default=None, description="certificates (PEM) that sign, or whose keys issue those that sign, callbacks"
    )
    callback_networks: str = Field(
        default="127.0.0.0/8 ::1/128", description="networks from which unsigned callbacks are believed, by spaces"
    )

    @property
    def keys_file(self) -> Path:
        """Where keys are kept if the settings give none."""
        return self.data / "keys"

    @property
    def organisations_dir(self) -> Path:
        """Where configurations of senders are."""
        return self.organisations or self.data / "organisations"

    @property
    def signing_file(self) -> Path:
        """The file of the keys."""
        return self.signing or self.data / "signing.yaml"

    @property
    def packs_dir(self) -> Path:
        """Where packs are installed."""
        return self.packs or self.data / "packs"

    @property
    def nsi_dir(self) -> Path:
        """Where reference books are imported to."""
        return self.nsi or self.data / "nsi"


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The settings of this process, read once."""
    return Settings()
