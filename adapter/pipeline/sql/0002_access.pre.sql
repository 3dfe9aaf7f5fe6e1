-- How clients prove themselves and what they may do; the audit is sealed in batches.

alter table egisz.client
    add column keys jsonb not null default '{"keys": []}',
    add column scopes text[] not null default '{}',
    -- SHA-256 of the certificate that a proxy verifies, hexadecimal, lower case.
    add column certificate text unique;

-- A row is written with the access itself and sealed within seconds by whoever holds the lock: sealing in the same
-- transaction would let no two accesses commit at once.
alter table egisz.audit
    alter column previous drop not null,
    alter column hash drop not null,
    -- Place in the chain, in the order of sealing: numbers of rows are given before their commit.
    add column position bigint unique,
    add check ((position is null) = (hash is null) and (position is null) = (previous is null));
create index audit_unsealed on egisz.audit (seq) where position is null;

create function egisz.keep_audit() returns trigger language plpgsql as $$
begin
    if tg_op = 'UPDATE' and old.position is null and new.seq = old.seq and new.at = old.at and new.event = old.event then
        return new;
    end if;
    raise exception 'the audit is append-only';
end
$$;
create trigger keep_rows before update or delete on egisz.audit for each row execute function egisz.keep_audit();
create trigger keep_table before truncate on egisz.audit for each statement execute function egisz.keep_audit();
