"""Accepting Bundles, and the numbers of their documents."""

from __future__ import annotations

import asyncio

import pytest

from adapter.errors import Overtaken
from adapter.pipeline import State, SubmissionState
from adapter.pipeline.moves import move_product
from adapter.settings import Settings
from tests.unit.pipeline.doubles import JsonMaker, bundle, convert_all, documents, jobs, opened, send, take


def test_a_bundle_is_accepted_once(service: Settings) -> None:
    async def scenario() -> None:
        async with opened(service) as journal:
            first = await send(journal, bundle("a"), identifier="urn:x|1")
            again = await send(journal, bundle("a"), identifier="urn:x|1")
            assert first.created and not again.created
            assert (
                (first.submission_id, first.version) == (again.submission_id, again.version) == (first.submission_id, 1)
            )
            assert await jobs(journal) == [("convert", str(first.submission_id))]
            assert await journal.bundle(first.submission_id) == bundle("a")

    asyncio.run(scenario())


def test_the_same_content_without_an_identifier_is_the_same(service: Settings) -> None:
    async def scenario() -> None:
        async with opened(service) as journal:
            first, again = await send(journal, bundle("a")), await send(journal, bundle("a"))
            other = await send(journal, bundle("b"))
            assert again.submission_id == first.submission_id != other.submission_id

    asyncio.run(scenario())


def test_clients_do_not_share_submissions(service: Settings) -> None:
    async def scenario() -> None:
        async with opened(service) as journal:
            first = await send(journal, bundle("a"), key="k", client="one")
            other = await send(journal, bundle("a"), key="k", client="two")
            assert other.created and other.submission_id != first.submission_id

    asyncio.run(scenario())


def test_changed_content_of_an_identifier_is_a_version_that_waits_for_the_one_before(service: Settings) -> None:
    async def scenario() -> None:
        async with opened(service) as journal:
            first = await send(journal, bundle("a"), identifier="urn:x|1")
            second = await send(journal, bundle("b"), identifier="urn:x|1")
            late = await send(journal, bundle("a"), identifier="urn:x|1")
            assert (second.version, second.created) == (2, True)
            assert late.submission_id == first.submission_id
            assert await jobs(journal) == [("convert", str(first.submission_id))]
            await convert_all(journal)
            (one,), (two,) = await documents(journal, first), await documents(journal, second)
            assert (one.version, two.version) == (1, 2)
            assert one.set_id == two.set_id and two.predecessor == one.id

    asyncio.run(scenario())


def test_concurrent_senders_of_one_bundle_get_one_submission(service: Settings) -> None:
    async def scenario() -> None:
        async with opened(service) as journal:
            accepted = await asyncio.gather(*(send(journal, bundle("a"), key="k") for _ in range(8)))
            assert len({one.submission_id for one in accepted}) == 1
            assert sum(one.created for one in accepted) == 1
            versions = await asyncio.gather(*(send(journal, bundle(str(n)), key="v") for n in range(8)))
            assert sorted(one.version for one in versions) == list(range(1, 9))

    asyncio.run(scenario())


def test_the_same_document_of_another_bundle_is_no_new_product(service: Settings) -> None:
    async def scenario() -> None:
        async with opened(service) as journal:
            first = await send(journal, bundle("a"), key="1")
            await convert_all(journal)
            again = await send(journal, bundle("a", note="other bytes"), key="2")
            await convert_all(journal)
            assert again.submission_id != first.submission_id
            assert await documents(journal, first) == await documents(journal, again)

    asyncio.run(scenario())


def test_content_that_comes_back_is_a_new_version(service: Settings) -> None:
    async def scenario() -> None:
        async with opened(service) as journal:
            versions = []
            for number, content in enumerate(["a", "b", "a"]):
                accepted = await send(journal, bundle(content), key=str(number))
                await convert_all(journal)
                versions += [one.version for one in await documents(journal, accepted)]
            assert versions == [1, 2, 3]

    asyncio.run(scenario())


def test_a_document_carries_the_number_of_the_journal(service: Settings) -> None:
    async def scenario() -> None:
        async with opened(service) as journal:
            await send(journal, bundle("a"), key="1")
            second = await send(journal, bundle("b"), key="2")
            await convert_all(journal)
            (two,) = await documents(journal, second)
            assert await journal.document(two.id) == b"<doc uid='p1.2' version='2'>b</doc>"
            assert (two.version, two.local_uid) == (2, "p1.2")
            found = await journal.product_by_local_uid("p1.2")
            assert found is not None and found.id == two.id

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("given", "numbers", "codes"),
    [
        ([3, 7], [3, 7], [[], []]),
        ([1, 1], [1, 2], [[], ["JRN02"]]),
        ([None, 1], [1, 2], [[], ["JRN02"]]),
        ([5, None], [5, 6], [[], []]),
        ([5, 4], [5, None], [[], ["JRN01"]]),
        # The number that the journal gave in between is not the sender's.
        ([1, 1, 2], [1, 2, 3], [[], ["JRN02"], ["JRN02"]]),
        ([2, None, 3], [2, 3, 4], [[], [], ["JRN02"]]),
    ],
)
def test_numbers_of_the_sender(
    service: Settings, given: list[int | None], numbers: list[int | None], codes: list[list[str]]
) -> None:
    async def scenario() -> None:
        async with opened(service) as journal:
            found = []
            for index, number in enumerate(given):
                accepted = await send(journal, bundle(str(index), given=number), key=str(index))
                await convert_all(journal)
                found += await documents(journal, accepted)
            assert [one.version for one in found] == numbers
            assert [[finding.code for finding in one.findings] for one in found] == codes

    asyncio.run(scenario())


def test_an_id_that_the_sender_gives_twice_is_derived_for_the_second(service: Settings) -> None:
    async def scenario() -> None:
        async with opened(service) as journal:
            first = await send(journal, bundle("a", uid="DOC", given=1), key="1")
            second = await send(journal, bundle("b", uid="DOC", given=2), key="2")
            await convert_all(journal)
            (one,), (two,) = await documents(journal, first), await documents(journal, second)
            assert (one.local_uid, two.local_uid) == ("DOC", "p1.2")

    asyncio.run(scenario())


def test_two_documents_of_one_set_in_one_bundle(service: Settings) -> None:
    async def scenario() -> None:
        async with opened(service) as journal:
            accepted = await send(journal, bundle("", documents=[{"content": "a"}, {"content": "b"}]))
            await convert_all(journal)
            one, two = sorted(await documents(journal, accepted), key=lambda row: row.focus)
            assert (one.state, two.state) == (State.CHECKED, State.REJECTED)
            assert [finding.code for finding in two.findings] == ["JRN03"]

    asyncio.run(scenario())


def test_what_fails_its_check_takes_no_number_and_is_made_again_in_its_place(service: Settings) -> None:
    async def scenario() -> None:
        async with opened(service) as journal:
            accepted = await send(journal, bundle("a", bad=True))
            await convert_all(journal)
            (failed,) = await documents(journal, accepted)
            assert (failed.state, failed.stopped_at, failed.version) == (State.REJECTED, "check", None)
            await journal.outbox.replay(failed.id)
            submission = await journal.submission(accepted.submission_id)
            assert submission is not None and submission.state is SubmissionState.ACCEPTED

            class Mended(JsonMaker):
                async def make(self, data, **more):  # type: ignore[no-untyped-def] # as the one it mends
                    return await super().make(data.replace(b'"bad": true', b'"bad": false'), **more)

            await convert_all(journal, Mended())
            (mended,) = await documents(journal, accepted)
            assert (mended.id, mended.state, mended.version) == (failed.id, State.CHECKED, 1)
            assert ("sign", str(mended.id)) in await jobs(journal)

    asyncio.run(scenario())


def test_a_refused_bundle_lets_the_next_of_its_patient_go(service: Settings) -> None:
    async def scenario() -> None:
        async with opened(service) as journal:
            first = await send(journal, bundle("a", refused=True))
            second = await send(journal, bundle("b"))
            assert await take(journal, "convert") == [first.submission_id]
            async with journal.database.transaction() as connection:
                from adapter.pipeline.jobs import enqueue

                await enqueue(connection, "convert", [(first.submission_id, 0)])
            await convert_all(journal)
            refused = await journal.submission(first.submission_id)
            assert refused is not None and refused.state is SubmissionState.REFUSED
            assert [one.code for one in refused.findings] == ["MAP01"]
            assert len(await documents(journal, second)) == 1

    asyncio.run(scenario())


def test_a_version_waits_until_the_one_before_is_final(service: Settings) -> None:
    async def scenario() -> None:
        async with opened(service) as journal:
            first, second = await send(journal, bundle("a"), key="1"), await send(journal, bundle("b"), key="2")
            await convert_all(journal)
            (one,), (two,) = await documents(journal, first), await documents(journal, second)
            assert await take(journal, "sign") == [one.id]
            async with journal.database.transaction() as connection:
                one = await move_product(connection, one, "sign")
            assert await take(journal, "sign") == []
            async with journal.database.transaction() as connection:
                await move_product(connection, one, "refuse")
            assert await take(journal, "sign") == [two.id]

    asyncio.run(scenario())


def test_who_comes_late_is_told(service: Settings) -> None:
    async def scenario() -> None:
        async with opened(service) as journal:
            accepted = await send(journal, bundle("a"))
            await convert_all(journal)
            (row,) = await documents(journal, accepted)
            async with journal.database.transaction() as connection:
                await move_product(connection, row, "sign")
            with pytest.raises(Overtaken):
                async with journal.database.transaction() as connection:
                    await move_product(connection, row, "sign")
            assert [one.name for one in await journal.product_moves(row.id)] == ["make", "sign"]

    asyncio.run(scenario())
