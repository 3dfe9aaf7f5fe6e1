-- A step of a document is one round trip: what it reads is locked, written and followed by its jobs in one call. Every
-- statement of these functions sees what the holders of the locks before it have committed.

-- Payloads are stored in the order of the arrays, in which ids are given.
create function egisz.keep_payloads(purposes text[], key_ids text[], nonces bytea[], sealed bytea[]) returns bigint[]
language plpgsql as $$
#variable_conflict use_variable
declare
    ids bigint[];
begin
    with stored as (
        insert into egisz.payload (purpose, key_id, nonce, data)
        select * from unnest(purposes, key_ids, nonces, sealed)
        returning id
    )
    select array_agg(stored.id order by stored.id) into ids from stored;
    return coalesce(ids, '{}');
end
$$;

-- One job of a step of a row, see adapter/pipeline/jobs.py. egisz.enqueue is PgQueuer's own statement.
create function egisz.enqueue_step(stage text, priority integer, of_row text, step bigint, delay interval) returns void
language plpgsql as $$
begin
    perform egisz.enqueue(
        array[priority], array[stage], array[convert_to(of_row, 'UTF8')], array[coalesce(delay, interval '0')],
        array[stage || ':' || of_row || ':' || step], array['null'::jsonb]
    );
end
$$;

-- What a product leads to that was made or moved: its job (stage), unless it waits for an earlier version of its set; of
-- a final state its notice, and the version that waited for it. True where there is a job.
create function egisz.follow(
    product egisz.product, stage text, delay interval, final boolean, notice_for interval, priorities jsonb
) returns boolean language plpgsql as $$
#variable_conflict use_variable
declare
    queued boolean := false;
    notice bigint;
    later record;
begin
    if stage is not null and not exists (
        select from egisz.product earlier
        where earlier.set_id = product.set_id and earlier.version < product.version
            and earlier.state not in ('registered', 'rejected', 'dead')
    ) then
        perform egisz.enqueue_step(stage, (priorities ->> stage)::integer, product.id::text, product.step, delay);
        queued := true;
    end if;
    if not final then
        return queued;
    end if;
    insert into egisz.notice (client, product_id, state, give_up_at)
    select client.id, product.id, product.state, product.changed_at + notice_for
    from egisz.client client
    where client.id = product.client and client.webhook_url is not null and client.disabled_at is null
    returning id into notice;
    if notice is not null then
        perform egisz.enqueue_step('notify', (priorities ->> 'notify')::integer, notice::text, 0, null);
        queued := true;
    end if;
    select waiting.id, waiting.step into later from egisz.product waiting
    where waiting.set_id = product.set_id and waiting.version > product.version and waiting.state = 'checked'
    order by waiting.version limit 1;
    if found then
        perform egisz.enqueue_step('sign', (priorities ->> 'sign')::integer, later.id::text, later.step, null);
        queued := true;
    end if;
    return queued;
end
$$;

-- A move with its line in the history and what it leads to; no row where the product is no longer at the step that was
-- seen, or (gated) has to wait. locks: the set to hold first, null where it is held or no wait begins or ends.
create function egisz.move_product(
    row_id uuid, seen bigint, after text, stopped_at text, trouble jsonb, fresh boolean, give_up_at timestamptz,
    ask_at timestamptz, emdr_id text, unrz text, registered_at timestamptz, failed integer, findings jsonb, move text,
    before text, final boolean, notice_for interval, gated boolean, signatures integer, locks text, stage text,
    delay interval, priorities jsonb
) returns table (product egisz.product, queued boolean) language plpgsql as $$
#variable_conflict use_variable
begin
    if locks is not null then
        perform pg_advisory_xact_lock(hashtextextended(locks, 2));
    end if;
    update egisz.product moved
    set state = after, step = moved.step + 1, changed_at = now(), stopped_at = stopped_at, error = trouble,
        attempts = case when fresh then 0 else moved.attempts + failed end,
        give_up_at = coalesce(give_up_at, moved.give_up_at), ask_at = ask_at,
        emdr_id = coalesce(emdr_id, moved.emdr_id), unrz = coalesce(unrz, moved.unrz),
        registered_at = coalesce(registered_at, moved.registered_at), findings = coalesce(findings, moved.findings),
        signatures = coalesce(signatures, moved.signatures)
    where moved.id = row_id and moved.step = seen and not (gated and exists (
        select from egisz.product earlier
        where earlier.set_id = moved.set_id and earlier.version < moved.version
            and earlier.state not in ('registered', 'rejected', 'dead')
    ))
    returning moved.* into product;
    if not found then
        return;
    end if;
    insert into egisz.move (product_id, name, before, after) values (row_id, move, before, after);
    queued := egisz.follow(product, stage, delay, final, notice_for, priorities);
    return next;
end
$$;

-- Signatures of a document and its move; of a document that is signed again after a replay, too.
create function egisz.sign_product(
    row_id uuid, seen bigint, move text, before text, after text, locks text, stage text, priorities jsonb,
    roles text[], key_ids text[], nonces bytea[], sealed bytea[]
) returns boolean language plpgsql as $$
#variable_conflict use_variable
begin
    perform from egisz.move_product(
        row_id, seen, after, '', null, false, null, null, null, null, null, 0, null, move, before, false, null, true,
        cardinality(roles), locks, stage, null, priorities
    );
    if not found then
        return false;
    end if;
    delete from egisz.signature old where old.product_id = row_id and old.position >= cardinality(roles);
    insert into egisz.signature (product_id, position, role, payload_id)
    select row_id, made.position - 1, made.role, made.payload
    from unnest(
        roles, egisz.keep_payloads(array_fill('signature'::text, array[cardinality(roles)]), key_ids, nonces, sealed)
    ) with ordinality as made (role, payload, position)
    on conflict (product_id, position) do update set role = excluded.role, payload_id = excluded.payload_id;
    return true;
end
$$;

-- An attempt is in the journal before a byte leaves: the move and the message. The step tells that no attempt was made
-- since the ones before it were counted.
create function egisz.send_product(
    row_id uuid, seen bigint, move text, before text, after text, operation text, message_id text, attempt integer
) returns table (product egisz.product, message bigint) language plpgsql as $$
#variable_conflict use_variable
begin
    select (moved.product).* into product from egisz.move_product(
        row_id, seen, after, '', null, false, null, null, null, null, null, 0, null, move, before, false, null, false,
        null, null, null, null, null
    ) moved;
    if not found then
        return;
    end if;
    insert into egisz.message as made (product_id, direction, operation, message_id, attempt)
    values (row_id, 'out', operation, message_id, attempt)
    returning made.id into message;
    return next;
end
$$;

-- What was said at once to a message, kept; and the move of its product, unless it was moved meanwhile: false.
create function egisz.acknowledge_product(
    row_id uuid, seen bigint, move text, before text, after text, ask_at timestamptz, message bigint, outcome text,
    key_ids text[], nonces bytea[], sealed bytea[]
) returns boolean language plpgsql as $$
#variable_conflict use_variable
declare
    kept bigint[];
    acknowledged boolean;
begin
    perform from egisz.move_product(
        row_id, seen, after, '', null, false, null, ask_at, null, null, null, 0, null, move, before, false, null, false,
        null, null, null, null, null
    );
    acknowledged := found;
    kept := egisz.keep_payloads(array['message', 'message'], key_ids, nonces, sealed);
    update egisz.message set request_id = kept[1], response_id = kept[2], answered_at = now(), outcome = outcome
    where id = message;
    return acknowledged;
end
$$;

-- A result that says that a product is registered; no row where the message was applied before, or the product was moved.
create function egisz.register_product(
    message bigint, row_id uuid, seen bigint, move text, before text, after text, emdr_id text,
    registered_at timestamptz, notice_for interval, locks text, priorities jsonb
) returns table (product egisz.product, queued boolean) language plpgsql as $$
#variable_conflict use_variable
declare
    made record;
begin
    perform from egisz.message received where received.id = message and received.outcome = '' for update;
    if not found then
        return;
    end if;
    select * into made from egisz.move_product(
        row_id, seen, after, '', null, true, null, null, emdr_id, null, registered_at, 0, null, move, before, true,
        notice_for, false, null, locks, null, null, priorities
    );
    if not found then
        return;
    end if;
    product := made.product;
    queued := made.queued;
    update egisz.message received set product_id = row_id, outcome = 'registered', answered_at = now()
    where received.id = message;
    return next;
end
$$;

-- The chain of a submission and the sets of its products, held until the transaction ends; and of each set of a document
-- its last version, the highest number that its sender gave, and whether the id of the document is taken.
create function egisz.hold_sets(chain bytea, all_sets text[], sets text[], uids text[])
returns table (place bigint, product egisz.product, highest_given integer, uid_taken boolean) language plpgsql as $$
#variable_conflict use_variable
declare
    held text;
begin
    perform pg_advisory_xact_lock(hashtextextended(encode(chain, 'hex'), 1));
    -- In the order in which they are given, so that nobody waits in a circle.
    foreach held in array all_sets loop
        perform pg_advisory_xact_lock(hashtextextended(held, 2));
    end loop;
    return query
    select document.place, last, (
        select max(given.given_version) from egisz.product given
        where given.set_id = document.set_id and given.version is not null
    ), exists (
        select from egisz.product taken where taken.local_uid = document.uid and taken.version is not null
    )
    from unnest(sets, uids) with ordinality as document (set_id, uid, place)
    left join egisz.product last on last.id = (
        select newest.id from egisz.product newest
        where newest.set_id = document.set_id and newest.version is not null order by newest.version desc limit 1
    )
    order by document.place;
end
$$;

-- A product that a conversion made: its payloads, its row, its link, its line in the history, and what it leads to.
create function egisz.make_product(
    new_id uuid, submission uuid, client text, organisation text, bundle integer, route text, focus text, kind text,
    set_id text, version integer, given_version integer, local_uid text, digest bytea, predecessor uuid, state text,
    stopped_at text, findings jsonb, give_up_at timestamptz, move text, final boolean, notice_for interval,
    message_key bytea, record_key bytea, stage text, priorities jsonb, purposes text[], key_ids text[], nonces bytea[],
    sealed bytea[]
) returns table (product egisz.product, queued boolean) language plpgsql as $$
#variable_conflict use_variable
declare
    kept bigint[] := egisz.keep_payloads(purposes, key_ids, nonces, sealed);
begin
    insert into egisz.product as made (
        id, submission_id, client, organisation, bundle, route, focus, kind, set_id, version, given_version, local_uid,
        content_digest, predecessor, state, stopped_at, findings, document_id, registration_id, give_up_at, message_key,
        record_key
    )
    values (
        new_id, submission, client, organisation, bundle, route, focus, kind, set_id, version, given_version, local_uid,
        digest, predecessor, state, stopped_at, findings, kept[array_position(purposes, 'document')],
        kept[array_position(purposes, 'registration')], give_up_at, message_key, record_key
    )
    returning made.* into product;
    insert into egisz.submission_product (submission_id, product_id) values (submission, new_id);
    insert into egisz.move (product_id, name, before, after) values (new_id, move, null, state);
    queued := egisz.follow(product, stage, null, final, notice_for, priorities);
    return next;
end
$$;

-- A product that had failed its check, made again; no row where it was moved meanwhile.
create function egisz.remake_product(
    row_id uuid, seen bigint, set_id text, version integer, given_version integer, local_uid text, digest bytea,
    predecessor uuid, findings jsonb, give_up_at timestamptz, move text, before text, after text, message_key bytea,
    record_key bytea, stage text, priorities jsonb, purposes text[], key_ids text[], nonces bytea[], sealed bytea[]
) returns table (product egisz.product, queued boolean) language plpgsql as $$
#variable_conflict use_variable
declare
    kept bigint[] := egisz.keep_payloads(purposes, key_ids, nonces, sealed);
begin
    update egisz.product made
    set set_id = set_id, version = version, given_version = given_version, local_uid = local_uid,
        content_digest = digest, predecessor = predecessor, findings = findings,
        document_id = kept[array_position(purposes, 'document')],
        registration_id = kept[array_position(purposes, 'registration')], give_up_at = give_up_at,
        message_key = message_key, record_key = record_key, stopped_at = '', error = null, attempts = 0, state = after,
        step = made.step + 1, changed_at = now()
    where made.id = row_id and made.step = seen
    returning made.* into product;
    if not found then
        return;
    end if;
    insert into egisz.move (product_id, name, before, after) values (row_id, move, before, after);
    queued := egisz.follow(product, stage, null, false, null, priorities);
    return next;
end
$$;

-- A move of a submission, whose chain is held, with its line in the history and its job, unless it waits; of a final
-- state the job of who waited for it. No row where it is no longer at the step that was seen.
create function egisz.move_submission(
    row_id uuid, seen bigint, after text, trouble jsonb, findings jsonb, fresh boolean, give_up_at timestamptz, move text,
    before text, final boolean, stage text, delay interval, priorities jsonb
) returns table (submission egisz.submission, queued boolean) language plpgsql as $$
#variable_conflict use_variable
declare
    later record;
begin
    update egisz.submission moved
    set state = after, step = moved.step + 1, changed_at = now(), error = trouble,
        findings = coalesce(findings, moved.findings), attempts = case when fresh then 0 else moved.attempts end,
        give_up_at = coalesce(give_up_at, moved.give_up_at)
    where moved.id = row_id and moved.step = seen
    returning moved.* into submission;
    if not found then
        return;
    end if;
    insert into egisz.move (submission_id, name, before, after) values (row_id, move, before, after);
    queued := false;
    if stage is not null and not exists (
        select from egisz.submission earlier
        where earlier.chain = submission.chain and earlier.seq < submission.seq and earlier.state in ('accepted', 'held')
    ) then
        perform egisz.enqueue_step(stage, (priorities ->> stage)::integer, row_id::text, submission.step, delay);
        queued := true;
    end if;
    if final then
        select waiting.id, waiting.step, waiting.state into later from egisz.submission waiting
        where waiting.chain = submission.chain and waiting.seq > submission.seq
            and waiting.state in ('accepted', 'held')
        order by waiting.seq limit 1;
        if found and later.state = 'accepted' then
            perform egisz.enqueue_step(
                'convert', (priorities ->> 'convert')::integer, later.id::text, later.step, null
            );
            queued := true;
        end if;
    end if;
    return next;
end
$$;
