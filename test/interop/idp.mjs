// A provider of single sign-on, for the tests of the console: oidc-provider, with its
// own pages to sign in, where any name is a user and any password is good.
//   node idp.mjs '{"issuer": "http://127.0.0.1:9003", "clients": [{"id", "secret", "redirect"}], "pkce": true}'
import { generateKeyPairSync, randomBytes } from "node:crypto";
import Provider from "oidc-provider";

const { issuer, clients, pkce } = JSON.parse(process.argv[2]);
const key = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ format: "jwk" });

const provider = new Provider(issuer, {
  clients: clients.map(({ id, secret, redirect }) => ({
    client_id: id,
    client_secret: secret,
    redirect_uris: [redirect],
    grant_types: ["authorization_code"],
    response_types: ["code"],
    id_token_signed_response_alg: "ES256",
  })),
  jwks: { keys: [{ ...key, use: "sig", alg: "ES256", kid: "1" }] },
  claims: { openid: ["sub"], profile: ["name"] },
  cookies: { keys: [randomBytes(32).toString("hex")] },
  findAccount: (ctx, id) => ({ accountId: id, claims: () => ({ sub: id, name: `${id} of the provider` }) }),
  pkce: { required: () => pkce },
  features: { devInteractions: { enabled: true }, claimsParameter: { enabled: true } },
  ttl: { AccessToken: 600, AuthorizationCode: 60, Grant: 600, IdToken: 300, Interaction: 600, Session: 600 },
});
// Its pages have a font of another host, which no test may ask, and no icon.
provider.use(async (ctx, next) => {
  if (ctx.path === "/favicon.ico") {
    ctx.status = 204;
    return;
  }
  await next();
  if (typeof ctx.body === "string") ctx.body = ctx.body.replace(/@import[^;]*;/g, "");
});
const { hostname, port } = new URL(issuer);
provider.listen(Number(port), hostname, () => console.log("listening"));
