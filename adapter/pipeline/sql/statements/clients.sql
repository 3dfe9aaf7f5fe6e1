-- name: client_add
insert into egisz.client (id, organisations, keys, scopes, certificate) values ($1, $2, $3::jsonb, $4, $5)
on conflict (id) do update set organisations = excluded.organisations, keys = excluded.keys, scopes = excluded.scopes,
    certificate = excluded.certificate, disabled_at = null

-- name: client_find
select id, organisations, keys::text as keys, scopes from egisz.client where id = $1 and disabled_at is null

-- name: client_by_certificate
select id, organisations, keys::text as keys, scopes from egisz.client where certificate = $1 and disabled_at is null

-- name: client_list
select id, organisations, keys::text as keys, scopes, certificate, webhook_url, created_at, disabled_at
from egisz.client order by id

-- name: client_disable
update egisz.client set disabled_at = now() where id = $1 and disabled_at is null

-- name: jti_first_use
insert into egisz.jti (hash, expires_at) values ($1, $2) on conflict do nothing returning true

-- name: jti_forget
delete from egisz.jti where expires_at < now()
