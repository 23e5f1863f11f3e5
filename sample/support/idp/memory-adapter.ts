/** Where are sessions, codes and opaque tokens kept? In this process, until they expire or it ends. */
import type { Adapter, AdapterFactory, AdapterPayload } from 'oidc-provider';

interface Entry {
  readonly payload: AdapterPayload;
  readonly expiresAt: number;
}

/** Oldest goes first: a demo that is left running for weeks must not grow for ever. */
const MAX_ENTRIES = 1000;

/** One store per kind of thing (Session, AccessToken, …), as oidc-provider asks for them by name. */
export const createMemoryAdapter: AdapterFactory = (): Adapter => {
  const entries = new Map<string, Entry>();

  async function find(id: string): Promise<AdapterPayload | undefined> {
    const entry = entries.get(id);
    if (!entry) return undefined;
    if (entry.expiresAt > Date.now()) return entry.payload;
    entries.delete(id);
    return undefined;
  }

  async function findWhere(
    matches: (payload: AdapterPayload) => boolean,
  ): Promise<AdapterPayload | undefined> {
    for (const [id, { payload }] of entries) {
      if (matches(payload)) return find(id);
    }
    return undefined;
  }

  return {
    find,
    findByUid: (uid) => findWhere((payload) => payload.uid === uid),
    findByUserCode: (userCode) => findWhere((payload) => payload.userCode === userCode),
    async upsert(id, payload, expiresIn) {
      entries.delete(id);
      entries.set(id, { payload, expiresAt: expiresIn ? Date.now() + expiresIn * 1000 : Infinity });
      const oldest = entries.keys().next();
      if (entries.size > MAX_ENTRIES && !oldest.done) entries.delete(oldest.value);
    },
    async consume(id) {
      const payload = await find(id);
      if (payload) payload.consumed = Math.floor(Date.now() / 1000);
    },
    async destroy(id) {
      entries.delete(id);
    },
    async revokeByGrantId(grantId) {
      for (const [id, { payload }] of entries) {
        if (payload.grantId === grantId) entries.delete(id);
      }
    },
  };
};
