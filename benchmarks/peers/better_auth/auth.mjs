// better-auth as its documentation sets it up: PostgreSQL by pg, e-mail and password, tokens in a bearer header.
import { hash, verify } from "@node-rs/argon2";
import { betterAuth } from "better-auth";
import { bearer } from "better-auth/plugins";
import pg from "pg";

export const secret = "a secret key of the benchmark, of no use elsewhere";
export const pool = new pg.Pool({ connectionString: process.env.PEER_DATABASE_URL });

// Its documentation's way to another hash; without it better-auth hashes with scrypt.
function argon2(equal) {
  const [memoryCost, timeCost, parallelism] = equal.split(",").map(Number);
  const options = { memoryCost, timeCost, parallelism };
  return {
    hash: (password) => hash(password, options),
    verify: ({ password, hash: stored }) => verify(stored, password),
  };
}

export const auth = betterAuth({
  database: pool,
  secret,
  baseURL: `http://127.0.0.1:${process.env.PEER_PORT}`,
  emailAndPassword: {
    enabled: true,
    ...(process.env.PEER_ARGON2 ? { password: argon2(process.env.PEER_ARGON2) } : {}),
  },
  plugins: [bearer()],
  rateLimit: { enabled: false }, // it would refuse the benchmark, which comes from one address
  telemetry: { enabled: false },
});
