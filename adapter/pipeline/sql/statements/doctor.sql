-- name: doctor_server
select now() as now, current_setting('server_version') as version, current_setting('fsync') as fsync

-- name: doctor_key_ids
select distinct key_id from egisz.payload union select key_id from egisz.secret

-- name: doctor_stuck
-- What an operator has dropped waits for nobody.
select
    (select count(*) from egisz.pgqueuer where status = 'queued' and execute_after < now() - interval '10 minutes') as late,
    (select count(*) from egisz.product where state = 'dead' and error ->> 'class' is distinct from 'operator')
    + (select count(*) from egisz.submission where state = 'dead' and error ->> 'class' is distinct from 'operator') as dead
