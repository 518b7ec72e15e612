#!/usr/bin/env node
// Calls an API with access tokens of Tokenwright, by openid-client. Each line of
// standard input is a path to call; all calls run at once and share one token:
//
//   echo /customers | node node-openid-client.mjs
import { readFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import * as client from 'openid-client'

const { TOKENWRIGHT_URL, TOKENWRIGHT_CLIENT_ID, TOKENWRIGHT_CLIENT_SECRET, TOKENWRIGHT_CLIENT_SECRET_FILE, API_URL } = process.env
const now = () => performance.now() / 1000 // seconds, whatever the clock is set to

/** Gets a token. The secret is read each time, so that it can be changed while this runs. */
async function exchange() {
  const secret = TOKENWRIGHT_CLIENT_SECRET_FILE ? (await readFile(TOKENWRIGHT_CLIENT_SECRET_FILE, 'utf8')).trim() : TOKENWRIGHT_CLIENT_SECRET
  const server = { issuer: TOKENWRIGHT_URL, token_endpoint: `${TOKENWRIGHT_URL}/oauth/token` } // takes keys of every environment
  const config = new client.Configuration(server, TOKENWRIGHT_CLIENT_ID, undefined, client.ClientSecretBasic(secret))
  if (TOKENWRIGHT_URL.startsWith('http://localhost:')) client.allowInsecureRequests(config) // nothing leaves this machine
  try {
    return await client.clientCredentialsGrant(config)
  } catch (err) {
    // A refused client is 401 with WWW-Authenticate, which the library reports
    // before it reads the body. The body says what is wrong.
    const body = err instanceof client.WWWAuthenticateChallengeError ? await err.response.json() : err
    if (!body.error) throw err
    const pause = body.error === 'temporarily_unavailable' ? 2 : 60 // what is refused is refused again
    throw Object.assign(new Error(`${body.error}: ${body.error_description}`), { pause })
  }
}

/** One access token for all, always fresh. */
class FreshToken {
  #token; #coming; #due = 0; #end = 0
  #error; #quiet = 0 // why the last exchange failed, and until when there is no other

  /** Returns a token, but not the refused one. One caller has it renewed; the old one is used while it lives. */
  async get(refused) {
    if (this.#token === refused || now() >= this.#end) this.#token = undefined
    if (!this.#coming && now() >= this.#quiet && (!this.#token || now() >= this.#due)) {
      this.#coming = this.#renew().finally(() => { this.#coming = undefined })
      this.#coming.catch(() => {}) // whoever waits for it hears of it
    }
    if (this.#token) return this.#token
    if (!this.#coming) throw this.#error
    return this.#coming
  }

  async #renew() {
    const began = now()
    try {
      const { access_token, expires_in } = await exchange()
      this.#end = began + expires_in
      this.#due = began + expires_in * (0.75 + Math.random() / 10) // not all processes at once
      return this.#token = access_token
    } catch (err) {
      this.#error = err
      this.#quiet = now() + (err.pause ?? 2) * (1 + Math.random())
      throw err
    }
  }
}

const freshToken = new FreshToken()

/** As fetch, with a token. Sends once more what is answered 401 invalid_token: tokens can be revoked. */
async function fetchWithToken(url, options = {}) {
  const send = (token) => fetch(url, { ...options, headers: { ...options.headers, Authorization: `Bearer ${token}` } })
  const token = await freshToken.get()
  const response = await send(token)
  if (response.status !== 401 || !response.headers.get('WWW-Authenticate')?.includes('error="invalid_token"')) return response
  await response.body?.cancel()
  return send(await freshToken.get(token))
}

async function call(path) {
  try {
    const response = await fetchWithToken(API_URL + path, { signal: AbortSignal.timeout(10_000) })
    await response.text() // yours to use
    if (!response.ok) throw new Error(`status ${response.status}`)
    console.log(response.status, path)
  } catch (err) {
    console.error(`${path}: ${err.message}`)
    process.exitCode = 1
  }
}

createInterface({ input: process.stdin }).on('line', call)
