// Two users share a folder: Bob waits in IDLE while Ann works. Ends with an exception if anything is wrong.

import assert from "node:assert";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(`${process.env.PEERS}/node/`);
const { ImapFlow } = require("imapflow");

const { ANN, BOB, ANN_PASSWORD, BOB_PASSWORD, CA, IMAPS } = process.env;
const tls = { ca: readFileSync(CA) };

function client(user, pass) {
  return new ImapFlow({ host: "localhost", port: Number(IMAPS), secure: true, tls, logger: false, auth: { user, pass } });
}

const [ann, bob] = [client(ANN, ANN_PASSWORD), client(BOB, BOB_PASSWORD)];
await Promise.all([ann.connect(), bob.connect()]);
await ann.mailboxCreate("Board");
await ann.append("Board", "Subject: first\r\n\r\ntext\r\n");
const shared = `Users/${ANN}/Board`;
assert.ok(!(await bob.list()).some((row) => row.path === shared));
await ann.exec("SETACL", [{ type: "ATOM", value: "Board" }, { type: "STRING", value: BOB }, { type: "ATOM", value: "lrsw" }])
  .then((answer) => answer.next());
assert.ok((await bob.list()).some((row) => row.path === shared));

await ann.mailboxOpen("Board");
const opened = await bob.mailboxOpen(shared);
assert.strictEqual(opened.exists, 1);
assert.ok(!opened.permanentFlags.has("\\Deleted") && opened.permanentFlags.has("\\Seen"));
await bob.messageFlagsAdd("1", ["\\Seen"]);
assert.deepStrictEqual([...(await bob.fetchOne("1", { flags: true })).flags], ["\\Seen"]);
assert.deepStrictEqual([...(await ann.fetchOne("1", { flags: true })).flags], []);

const pushed = new Promise((resolve) => bob.once("exists", resolve));
const flagged = new Promise((resolve) => bob.once("flags", resolve));
const idle = bob.idle();
await ann.messageFlagsAdd("1", ["\\Flagged"]);
const { flags } = await flagged;
assert.ok(flags.has("\\Flagged") && flags.has("\\Seen"), [...flags].join());
await ann.append("Board", "Subject: second\r\n\r\ntext\r\n");
assert.strictEqual((await pushed).count, 2);
await bob.noop();
await idle;
assert.deepStrictEqual(await bob.search({ seen: false }), [2]);
assert.deepStrictEqual(await ann.search({ seen: false }), [1, 2]);
await Promise.all([ann.logout(), bob.logout()]);
