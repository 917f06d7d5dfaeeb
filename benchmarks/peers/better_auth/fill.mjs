// Puts users and a session of each into the database, and prints each session's token as the bearer plugin hands it out.
import { createHmac, randomBytes } from "node:crypto";
import { getMigrations } from "better-auth/db/migration";
import { auth, pool, secret } from "./auth.mjs";

const { runMigrations } = await getMigrations(auth.options);
await runMigrations();
const hashed = await (await auth.$context).password.hash(process.env.PEER_PASSWORD);
const ids = Array.from({ length: Number(process.env.PEER_USERS) }, () => randomBytes(24).toString("base64url"));
const emails = ids.map((_, number) => `user${number}@example.com`);
await pool.query(
  `INSERT INTO "user" (id, name, email, "emailVerified", "createdAt", "updatedAt")
   SELECT id, email, email, false, now(), now() FROM unnest($1::text[], $2::text[]) AS made (id, email)`,
  [ids, emails],
);
await pool.query(
  `INSERT INTO account (id, "accountId", "providerId", "userId", password, "createdAt", "updatedAt")
   SELECT id, id, 'credential', id, $2, now(), now() FROM unnest($1::text[]) AS made (id)`,
  [ids, hashed],
);
const tokens = ids.map(() => randomBytes(24).toString("base64url"));
await pool.query(
  `INSERT INTO session (id, "userId", token, "expiresAt", "createdAt", "updatedAt")
   SELECT id, id, token, now() + interval '7 days', now(), now() FROM unnest($1::text[], $2::text[]) AS made (id, token)`,
  [ids, tokens],
);
await pool.query("ANALYZE");
const signed = tokens.map((token) => {
  const mac = createHmac("sha256", secret).update(token).digest("base64");
  return encodeURIComponent(`${token}.${mac}`);
});
await pool.end();
process.stdout.write(JSON.stringify(signed), () => process.exit(0)); // an exit does not wait for a pipe to take everything
