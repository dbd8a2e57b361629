// Sends by nodemailer and reads by imapflow, IDLE included. Ends with an exception if anything is wrong.

import assert from "node:assert";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(`${process.env.PEERS}/node/`);
const nodemailer = require("nodemailer");
const { ImapFlow } = require("imapflow");

const { ANN, BOB, ANN_PASSWORD, BOB_PASSWORD, CA, SUBMISSIONS, SUBMISSION, IMAPS } = process.env;
const tls = { ca: readFileSync(CA) };
const host = "localhost";

function transport(port, secure) {
  const auth = { user: ANN, pass: ANN_PASSWORD };
  return nodemailer.createTransport({ host, port: Number(port), secure, requireTLS: !secure, auth, tls });
}

async function send(port, secure, subject) {
  const attachments = [{ filename: "ü.txt", content: Buffer.from("Anhang") }];
  const sent = await transport(port, secure).sendMail({ from: ANN, to: BOB, subject, text: "Grüße", attachments });
  assert.match(sent.response, /^250/);
}

const imap = new ImapFlow({
  host, port: Number(IMAPS), secure: true, tls, logger: false, auth: { user: BOB, pass: BOB_PASSWORD },
});
await imap.connect();
const lock = await imap.getMailboxLock("INBOX");
try {
  const before = imap.mailbox.exists;
  // The client idles by itself while it has nothing to do; what is sent meanwhile is pushed to it.
  const pushed = new Promise((resolve) => imap.once("exists", resolve));
  const idle = imap.idle();
  await send(SUBMISSIONS, true, "erste Nachricht ü");
  assert.strictEqual((await pushed).count, before + 1);
  await send(SUBMISSION, false, "second message");
  await imap.noop();
  await idle;
  assert.strictEqual(imap.mailbox.exists, before + 2);

  const found = await imap.search({ subject: "nachricht Ü" }, { uid: true });
  assert.strictEqual(found.length, 1);
  const message = await imap.fetchOne(String(found[0]), { envelope: true, bodyStructure: true, source: true }, { uid: true });
  assert.strictEqual(message.envelope.subject, "erste Nachricht ü");
  assert.strictEqual(message.bodyStructure.childNodes.length, 2);
  assert.ok(message.source.includes("Message-ID:"));
  const part = await imap.download(String(found[0]), "2", { uid: true });
  let text = "";
  for await (const chunk of part.content) text += chunk;
  assert.strictEqual(text, "Anhang");

  await imap.messageFlagsAdd(String(found[0]), ["\\Flagged", "$label1"], { uid: true });
  await imap.mailboxCreate("Projekte/Äpfel");
  const moved = await imap.messageMove(String(found[0]), "Projekte/Äpfel", { uid: true });
  assert.strictEqual(moved.uidMap.size, 1);
  const status = await imap.status("Projekte/Äpfel", { messages: true, unseen: true, highestModseq: true });
  assert.strictEqual(status.messages, 1);
  const names = (await imap.list()).map((row) => row.path);
  assert.ok(names.includes("Projekte/Äpfel") && names.includes("Sent"), names.join());
  await imap.append("Drafts", "Subject: draft\r\n\r\ntext\r\n", ["\\Draft"]);
} finally {
  lock.release();
}
await imap.logout();
