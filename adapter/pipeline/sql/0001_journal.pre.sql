-- The journal: what was accepted, what became of it, and what was said to and by the state.
-- Bundles, documents, signatures and messages are sealed payloads; rows hold ids, codes, counts and times.

create table egisz.payload (
    id bigint generated always as identity primary key,
    -- What it is; sealed with it, so that none opens in another's place.
    purpose text not null,
    key_id text not null,
    nonce bytea not null,
    data bytea not null
);
-- Sealed already: TOAST would only spend time on packing it.
alter table egisz.payload alter column data set storage external;
create index payload_key on egisz.payload (key_id);

-- The secret of keyed hashes outlives the keys that seal it.
create table egisz.secret (
    name text primary key,
    key_id text not null,
    nonce bytea not null,
    data bytea not null
);

create table egisz.client (
    id text primary key,
    organisations text[] not null,
    webhook_url text,
    webhook_secret bigint references egisz.payload,
    created_at timestamptz not null default now(),
    disabled_at timestamptz
);

create table egisz.submission (
    id uuid primary key,
    seq bigint generated always as identity,
    client text not null,
    organisation text not null,
    -- Keyed hash of Idempotency-Key, else of Bundle.identifier, else of the content.
    identity bytea not null,
    content_digest bytea not null,
    version integer not null check (version > 0),
    -- Submissions of one chain are converted one after another: those of one patient.
    chain bytea not null,
    media_type text not null,
    fhir_version text not null,
    payload_id bigint references egisz.payload,
    state text not null,
    -- Number of moves so far; who moves a row says which step it saw.
    step bigint not null default 0,
    attempts integer not null default 0,
    error jsonb,
    findings jsonb not null default '[]',
    received_at timestamptz not null default now(),
    changed_at timestamptz not null default now(),
    give_up_at timestamptz not null,
    unique (client, organisation, identity, version),
    unique (client, organisation, identity, content_digest)
);
create index submission_open_chain on egisz.submission (chain, seq) where state in ('accepted', 'held');
create index submission_state on egisz.submission (state, changed_at);
create index submission_client on egisz.submission (client, seq desc);

create table egisz.product (
    id uuid primary key,
    submission_id uuid not null references egisz.submission,
    client text not null,
    organisation text not null,
    -- Which Bundle of the submission, which route, and which resource it is about.
    bundle integer not null,
    route text not null,
    focus text not null,
    kind text not null,
    set_id text,
    version integer check (version > 0),
    -- The number that the sender gave, which may have been taken.
    given_version integer,
    local_uid text,
    -- Of the document as it was made without a number of ours: the same content has the same.
    content_digest bytea,
    predecessor uuid references egisz.product,
    state text not null,
    step bigint not null default 0,
    -- Where it stopped: the stage; empty for what goes on.
    stopped_at text not null default '',
    attempts integer not null default 0,
    error jsonb,
    findings jsonb not null default '[]',
    document_id bigint references egisz.payload,
    registration_id bigint references egisz.payload,
    signatures integer not null default 0,
    emdr_id text,
    unrz text,
    created_at timestamptz not null default now(),
    changed_at timestamptz not null default now(),
    registered_at timestamptz,
    give_up_at timestamptz not null,
    -- When an unanswered message is asked about.
    ask_at timestamptz
);
-- What failed its check is made again in its place; what has left is not.
create unique index product_unmade on egisz.product (submission_id, bundle, route, focus) where version is null;
create index product_submission on egisz.product (submission_id);
create unique index product_version on egisz.product (set_id, version) where version is not null;
create unique index product_local_uid on egisz.product (local_uid) where version is not null;
create index product_state on egisz.product (state, changed_at);
create index product_ask on egisz.product (ask_at) where ask_at is not null;
create index product_emdr on egisz.product (emdr_id) where emdr_id is not null;
create index product_open_set on egisz.product (set_id, version) where state = 'checked';

-- The same content sent in several submissions is one product.
create table egisz.submission_product (
    submission_id uuid not null references egisz.submission,
    product_id uuid not null references egisz.product,
    primary key (submission_id, product_id)
);
create index submission_product_back on egisz.submission_product (product_id);

create table egisz.signature (
    product_id uuid not null references egisz.product,
    position integer not null,
    -- Of the signer, in the words of the signing rules; organisation for the seal of the organisation.
    role text not null,
    payload_id bigint not null references egisz.payload,
    primary key (product_id, position)
);

create table egisz.message (
    id bigint generated always as identity primary key,
    product_id uuid references egisz.product,
    -- out: sent by us; in: came to us.
    direction text not null check (direction in ('out', 'in')),
    operation text not null,
    -- Normalised: no scheme, brackets, dashes; upper case.
    message_id text not null,
    relates_to text not null default '',
    attempt integer not null default 0,
    request_id bigint references egisz.payload,
    response_id bigint references egisz.payload,
    at timestamptz not null default now(),
    answered_at timestamptz,
    -- What came of it: see docs/explanation/delivery.md.
    outcome text not null default '',
    codes text[] not null default '{}',
    unique (direction, message_id)
);
create index message_product on egisz.message (product_id, id);
create index message_relates on egisz.message (relates_to) where relates_to <> '';
create index message_at on egisz.message (at);

create table egisz.move (
    id bigint generated always as identity primary key,
    submission_id uuid references egisz.submission,
    product_id uuid references egisz.product,
    name text not null,
    before text,
    after text not null,
    at timestamptz not null default now(),
    check ((submission_id is null) <> (product_id is null))
);
create index move_submission on egisz.move (submission_id, id) where submission_id is not null;
create index move_product on egisz.move (product_id, id) where product_id is not null;

-- Final states that a client is told about.
create table egisz.notice (
    id bigint generated always as identity primary key,
    client text not null,
    product_id uuid not null references egisz.product,
    state text not null,
    attempts integer not null default 0,
    created_at timestamptz not null default now(),
    give_up_at timestamptz not null,
    delivered_at timestamptz,
    -- Empty while it is tried; delivered, or dead.
    outcome text not null default '',
    unique (product_id, state, created_at)
);
create index notice_open on egisz.notice (created_at) where outcome = '';

create table egisz.audit (
    seq bigint generated always as identity primary key,
    at timestamptz not null default now(),
    event jsonb not null,
    previous bytea not null,
    hash bytea not null
);

-- Tokens seen, against replay.
create table egisz.jti (
    hash bytea primary key,
    expires_at timestamptz not null
);
create index jti_expires on egisz.jti (expires_at);

-- A Bundle is stored in one round trip and one commit, because every acknowledgement waits for it: the submission that is
-- known, or a new one with its payload and its job; and the line of the audit. egisz.enqueue is PgQueuer's own statement,
-- see adapter/pipeline/database.py.
create function egisz.accept(
    new_id uuid, sender text, organisation text, identity bytea, digest bytea, chain bytea, media_type text,
    fhir_version text, purpose text, key_id text, nonce bytea, sealed bytea, move text, state text, give_up_at timestamptz,
    stage text, priority integer
) returns table (submission egisz.submission, created boolean, queued boolean) language plpgsql as $$
#variable_conflict use_variable
declare
    payload bigint;
begin
    perform pg_advisory_xact_lock(hashtextextended(encode(identity, 'hex'), 1));
    perform pg_advisory_xact_lock(hashtextextended(encode(chain, 'hex'), 1));
    -- From here on every statement sees what the holders of the locks before us have committed.
    select known.* into submission from egisz.submission known
    where known.client = sender and known.organisation = accept.organisation and known.identity = accept.identity
        and known.content_digest = digest;
    created := not found;
    queued := false;
    if created then
        queued := not exists (
            select from egisz.submission earlier
            where earlier.chain = accept.chain and earlier.state in ('accepted', 'held')
        );
        insert into egisz.payload (purpose, key_id, nonce, data) values (purpose, key_id, nonce, sealed)
        returning id into payload;
        insert into egisz.submission as made (
            id, client, organisation, identity, content_digest, chain, media_type, fhir_version, payload_id, state,
            give_up_at, version
        )
        values (
            new_id, sender, organisation, identity, digest, chain, media_type, fhir_version, payload, state, give_up_at, (
                select coalesce(max(earlier.version), 0) + 1 from egisz.submission earlier
                where earlier.client = sender and earlier.organisation = accept.organisation
                    and earlier.identity = accept.identity
            )
        )
        returning made.* into submission;
        insert into egisz.move (submission_id, name, before, after) values (new_id, move, null, state);
        if queued then
            perform egisz.enqueue(
                array[priority], array[stage], array[convert_to(new_id::text, 'UTF8')], array[interval '0'],
                array[stage || ':' || new_id || ':0'], array['null'::jsonb]
            );
        end if;
    end if;
    insert into egisz.audit (event) values (
        jsonb_build_object('type', 'rest', 'action', 'C', 'agent', sender, 'entity', 'Task/' || submission.id)
    );
    return next;
end
$$;

-- A message of the state is stored in one round trip, with its job where its outcome is left to one, and with the line of
-- the audit where a file is given for it. True where it has a job. The same message again is not stored.
create function egisz.receive(
    about uuid, operation text, message_id text, relates_to text, outcome text, key_id text, nonce bytea, sealed bytea,
    disclosure jsonb, stage text, priority integer
) returns boolean language plpgsql as $$
#variable_conflict use_variable
declare
    payload bigint;
    message bigint;
begin
    if disclosure is not null then
        insert into egisz.audit (event) values (disclosure);
    end if;
    if exists (
        select from egisz.message known where known.direction = 'in' and known.message_id = receive.message_id
    ) then
        return false;
    end if;
    insert into egisz.payload (purpose, key_id, nonce, data) values ('message', key_id, nonce, sealed)
    returning id into payload;
    insert into egisz.message (product_id, direction, operation, message_id, relates_to, request_id, outcome)
    values (about, 'in', operation, message_id, relates_to, payload, outcome)
    on conflict do nothing
    returning id into message;
    if message is null then
        -- It came twice at once.
        delete from egisz.payload stored where stored.id = payload;
        return false;
    end if;
    if outcome <> '' then
        return false;
    end if;
    perform egisz.enqueue(
        array[priority], array[stage], array[convert_to(message::text, 'UTF8')], array[interval '0'],
        array[stage || ':' || message || ':0'], array['null'::jsonb]
    );
    return true;
end
$$;
