-- name: audit_add
insert into egisz.audit (event) values ($1::jsonb)

-- name: audit_lock
select pg_try_advisory_xact_lock($1)

-- name: audit_head
select position, hash from egisz.audit where position is not null order by position desc limit 1

-- name: audit_unsealed
select seq, at, event::text as event from egisz.audit where position is null order by seq limit $1

-- name: audit_seal
update egisz.audit set position = place.position, previous = place.previous, hash = place.hash
from unnest($1::bigint[], $2::bigint[], $3::bytea[], $4::bytea[]) as place (seq, position, previous, hash)
where audit.seq = place.seq

-- name: audit_page
select position, at, event::text as event, previous, hash from egisz.audit
where position > $1 order by position limit $2

-- name: audit_waiting
select count(*) as rows, extract(epoch from now() - min(at)) as seconds from egisz.audit where position is null
