/** One run as seen over a link: its state, kept up to date, and what can be asked of it. */

import type { JsonObject } from '../protocol/json';
import type {
  Bye,
  ClientMessage,
  CommandName,
  Delta,
  Outcome,
  QueryName,
  Snapshot,
} from '../protocol/messages';
import { fold, type RunState } from '../state/run';
import { Store } from '../state/store';
import type { Clock } from './transport';

/** The kernel stops sending 5 s after the last sign of life of a view. */
const SEEN_EVERY_MS = 1500;
const RESYNC_AGAIN_MS = 3000;

/** What a session needs from the link it belongs to. */
export interface SessionLink {
  readonly client: string;
  readonly clock: Clock;
  /** False if nobody is there to take it. */
  post(message: ClientMessage): boolean;
  /** @param patient whether somebody behind the kernel answers, in a time of his own. */
  request(build: (id: string) => ClientMessage, patient?: boolean): Promise<Outcome>;
}

export class RunSession {
  readonly state = new Store<RunState | null>(null);
  /** Why the kernel forgot the run; null while it knows it. */
  readonly farewell = new Store<string | null>(null);
  private views = 0;
  private stopBeat: (() => void) | null = null;
  private lastSeenMs = Number.NEGATIVE_INFINITY;
  private lastResyncMs = Number.NEGATIVE_INFINITY;

  constructor(
    readonly run: string,
    private readonly link: SessionLink,
  ) {}

  get viewCount(): number {
    return this.views;
  }

  /** A view shows this run until the signal aborts; while there is one, news are asked for. */
  attach(signal: AbortSignal): void {
    if (signal.aborted) return;
    this.views += 1;
    if (this.views === 1) {
      this.hello();
      this.stopBeat = this.link.clock.every(SEEN_EVERY_MS, () => this.beat());
    }
    signal.addEventListener('abort', () => this.detach(), { once: true });
  }

  private detach(): void {
    this.views -= 1;
    if (this.views > 0) return;
    this.stopBeat?.();
    this.stopBeat = null;
  }

  /** Asks for a snapshot, at the start or when the link is new. */
  hello(): void {
    if (this.views === 0) return;
    this.link.post({ kind: 'hello', client: this.link.client, run: this.run });
    this.lastSeenMs = this.link.clock.nowMs();
  }

  receive(message: Snapshot | Delta | Bye): void {
    if (message.kind === 'bye') {
      this.farewell.set(message.why ?? 'the kernel does not know this run any more');
      return;
    }
    const now = this.link.clock.nowMs();
    const folded = fold(this.state.value, message, now);
    if (folded.kind === 'state') {
      this.farewell.set(null);
      this.state.set(folded.state);
    }
    if (folded.kind === 'gap') this.resync(now);
    this.beat();
  }

  command(cmd: CommandName, args: JsonObject = {}): Promise<Outcome> {
    const { client } = this.link;
    return this.link.request(
      (id) => ({ kind: 'command', client, run: this.run, id, cmd, args }),
      this.isRemote,
    );
  }

  query(what: QueryName, args: JsonObject = {}): Promise<Outcome> {
    const { client } = this.link;
    return this.link.request(
      (id) => ({ kind: 'query', client, run: this.run, id, what, args }),
      this.isRemote && what === 'preview_space',
    );
  }

  /** A job answers after seconds, and after minutes while its instance is replaced. */
  private get isRemote(): boolean {
    return (this.state.value?.header.remote ?? null) !== null;
  }

  private resync(now: number): void {
    if (now - this.lastResyncMs < RESYNC_AGAIN_MS) return;
    this.lastResyncMs = now;
    this.link.post({ kind: 'resync', client: this.link.client, run: this.run });
  }

  /** Tells how far this side has got; from the message handler too, as timers sleep in hidden tabs. */
  private beat(): void {
    const now = this.link.clock.nowMs();
    const { value } = this.state;
    if (this.views === 0 || value === null || now - this.lastSeenMs < SEEN_EVERY_MS - 50) return;
    this.lastSeenMs = now;
    this.link.post({ kind: 'seen', client: this.link.client, run: this.run, seq: value.seq });
  }
}
