/** A way to exchange messages with a kernel. Hosts differ; the rest of the panel does not see it. */

import type { WireBuffer } from '../protocol/columns';
import type { JsonObject } from '../protocol/json';
import type { LinkPath } from '../protocol/messages';

export interface Transport {
  readonly path: LinkPath;
  send(message: JsonObject): void;
  dispose(): void;
}

export interface TransportEvents {
  message(data: unknown, buffers: readonly WireBuffer[]): void;
  /** The other end is gone; nothing can be sent any more. */
  closed(why: string): void;
}

/** Opens a transport, or returns null where this host does not have it. */
export type TransportFactory = (events: TransportEvents) => Promise<Transport | null>;

/** Time as this part needs it, so that tests can bring their own. */
export interface Clock {
  nowMs(): number;
  /** Calls once after `ms`; the returned function cancels. */
  after(ms: number, call: () => void): () => void;
  every(ms: number, call: () => void): () => void;
}

export const browserClock: Clock = {
  nowMs: () => performance.now(),
  after(ms, call) {
    const timer = setTimeout(call, ms);
    return () => clearTimeout(timer);
  },
  every(ms, call) {
    const timer = setInterval(call, ms);
    return () => clearInterval(timer);
  },
};

let counter = 0;

/** A name that no other client or request has. */
export function freshId(prefix: string): string {
  counter += 1;
  const random = new Uint32Array(2);
  crypto.getRandomValues(random);
  return `${prefix}-${[...random].map((n) => n.toString(36)).join('')}-${counter}`;
}
