/** A kernel and a clock that tests drive by hand. */

import type { Clock, Transport, TransportEvents, TransportFactory } from '../client/transport';
import type { JsonObject } from '../protocol/json';
import type { LinkPath } from '../protocol/messages';
import { fixture } from './fixtures';

export class FakeClock implements Clock {
  private now = 0;
  private timers: { at: number; every: number | null; call: () => void }[] = [];

  nowMs(): number {
    return this.now;
  }

  after(ms: number, call: () => void): () => void {
    return this.add(ms, null, call);
  }

  every(ms: number, call: () => void): () => void {
    return this.add(ms, ms, call);
  }

  get pending(): number {
    return this.timers.length;
  }

  advance(ms: number): void {
    const end = this.now + ms;
    for (;;) {
      const due = this.timers.filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.now = due.at;
      if (due.every === null) this.timers = this.timers.filter((timer) => timer !== due);
      else due.at += due.every;
      due.call();
    }
    this.now = end;
  }

  private add(ms: number, every: number | null, call: () => void): () => void {
    const timer = { at: this.now + ms, every, call };
    this.timers.push(timer);
    return () => {
      this.timers = this.timers.filter((one) => one !== timer);
    };
  }
}

export class FakeKernel {
  readonly received: JsonObject[] = [];
  disposed = 0;
  private events: TransportEvents | null = null;

  constructor(private readonly path: LinkPath = 'control') {}

  readonly factory: TransportFactory = async (events): Promise<Transport> => {
    this.events = events;
    return {
      path: this.path,
      send: (message) => void this.received.push(message),
      dispose: () => {
        this.disposed += 1;
      },
    };
  };

  kinds(): unknown[] {
    return this.received.map((message) => message.kind);
  }

  last(kind: string): JsonObject {
    const found = this.received.findLast((message) => message.kind === kind);
    if (found === undefined) throw new Error(`no ${kind} was received`);
    return found;
  }

  welcome(): void {
    const { client } = this.last('hello');
    this.send({ ...fixture('welcome').message, client, path: this.path });
  }

  example(name: string, changes: JsonObject = {}): void {
    const { message, buffers } = fixture(name);
    this.send({ ...message, ...changes }, buffers);
  }

  /** A snapshot whose header has changed. */
  update(header: JsonObject): void {
    const { message, buffers } = fixture('snapshot');
    const before = (message as { header: JsonObject }).header;
    this.send({ ...message, header: { ...before, ...header } }, buffers);
  }

  /** Answers the last command or query. */
  answer(kind: 'ack' | 'answer', outcome: JsonObject): void {
    const { client, id } = this.last(kind === 'ack' ? 'command' : 'query');
    this.send({ v: 1, kind, client: client ?? null, id: id ?? null, ...outcome });
  }

  send(message: unknown, buffers: readonly ArrayBuffer[] = []): void {
    this.events?.message(message, buffers);
  }

  die(): void {
    this.events?.closed('the kernel has stopped');
  }
}
