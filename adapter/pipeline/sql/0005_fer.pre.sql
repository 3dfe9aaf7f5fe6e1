-- Sessions of ФЭР: who is booked for. ФЭР names the patient once, and then the session alone.

create table egisz.fer_session (
    -- Keyed hash of the organisation and of the id that ФЭР has given the session.
    session bytea primary key,
    -- Sealed reference to the Patient in the МИС.
    key_id text not null,
    nonce bytea not null,
    patient bytea not null,
    expires timestamptz not null
);
create index fer_session_expires on egisz.fer_session (expires);
