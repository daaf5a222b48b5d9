/** The link to one kernel, shared by all panels of the page that show runs of this kernel. */

import type { WireBuffer } from '../protocol/columns';
import { decodeServerMessage } from '../protocol/decode';
import { type JsonObject, ProtocolError } from '../protocol/json';
import {
  assertNever,
  type ClientMessage,
  encodeClientMessage,
  type LinkPath,
  type Outcome,
  type QueryName,
  type RunInfo,
  type ServerMessage,
  type Welcome,
} from '../protocol/messages';
import { Store } from '../state/store';
import { RunSession, type SessionLink } from './session';
import {
  browserClock,
  type Clock,
  freshId,
  type Transport,
  type TransportFactory,
} from './transport';

const HANDSHAKE_MS = 5000;
const SLOW_MS = 1500;
const GIVE_UP_MS = 60_000;

export type LinkState =
  | { readonly kind: 'offline'; readonly why: string | null }
  | { readonly kind: 'connecting' }
  /** Nobody answered yet on the last way that is left: the kernel is busy with something else. */
  | { readonly kind: 'waiting'; readonly path: LinkPath }
  | { readonly kind: 'live'; readonly path: LinkPath; readonly slow: boolean };

interface Pending {
  readonly settle: (outcome: Outcome) => void;
  readonly patient: boolean;
}

const nothing = (): void => undefined;

export class Controller implements SessionLink {
  readonly client = freshId('view');
  readonly link = new Store<LinkState>({ kind: 'offline', why: null });
  readonly runs = new Store<readonly RunInfo[]>([]);
  private readonly sessions = new Map<string, RunSession>();
  private readonly pending = new Map<string, Pending>();
  private transport: Transport | null = null;
  private onWelcome: ((welcome: Welcome) => void) | null = null;
  private connecting: Promise<boolean> | null = null;
  /** Counts the times that the link was dropped, so that an older attempt ends. */
  private drops = 0;

  constructor(
    private readonly factories: readonly TransportFactory[],
    readonly clock: Clock = browserClock,
  ) {}

  session(run: string): RunSession {
    let session = this.sessions.get(run);
    if (session === undefined) {
      session = new RunSession(run, this);
      this.sessions.set(run, session);
    }
    return session;
  }

  /** Tries the ways to the kernel in their order; resolves to whether one of them answered. */
  connect(): Promise<boolean> {
    const { kind } = this.link.value;
    if (kind === 'live') return Promise.resolve(true);
    // It goes on listening on the last way that is left.
    if (kind === 'waiting') return Promise.resolve(false);
    this.connecting ??= this.tryAll().finally(() => {
      this.connecting = null;
    });
    return this.connecting;
  }

  /** The kernel is gone or another one: what was asked is answered so, the last state stays. */
  drop(why: string): void {
    this.drops += 1;
    this.transport?.dispose();
    this.transport = null;
    this.onWelcome = null;
    for (const { settle } of [...this.pending.values()]) settle({ ok: false, error: why });
    this.link.set({ kind: 'offline', why });
  }

  dispose(): void {
    this.drop('closed');
    this.sessions.clear();
  }

  /** Asks something that belongs to no run. */
  query(what: QueryName, args: JsonObject = {}): Promise<Outcome> {
    return this.request((id) => ({
      kind: 'query',
      client: this.client,
      run: null,
      id,
      what,
      args,
    }));
  }

  post(message: ClientMessage): boolean {
    if (this.transport === null) return false;
    this.transport.send(encodeClientMessage(message));
    return true;
  }

  request(build: (id: string) => ClientMessage, patient = false): Promise<Outcome> {
    const id = freshId('ask');
    return new Promise((resolve) => {
      const stopSlow = patient ? nothing : this.clock.after(SLOW_MS, () => this.markSlow(true));
      const giveUp = (): void => {
        if (this.link.value.kind === 'live' && this.link.value.path === 'control') {
          settle({ ok: false, error: 'the kernel did not answer for a minute' });
        }
      };
      const stopWait = patient ? nothing : this.clock.after(GIVE_UP_MS, giveUp);
      const settle = (outcome: Outcome): void => {
        stopSlow();
        stopWait();
        this.pending.delete(id);
        if (![...this.pending.values()].some((one) => !one.patient)) this.markSlow(false);
        resolve(outcome);
      };
      this.pending.set(id, { settle, patient });
      if (!this.post(build(id))) {
        settle({ ok: false, error: 'there is no connection to the kernel' });
      }
    });
  }

  private async tryAll(): Promise<boolean> {
    this.link.set({ kind: 'connecting' });
    const { drops } = this;
    for (const [i, factory] of this.factories.entries()) {
      const transport = await factory({
        message: (data, buffers) => this.receive(data, buffers),
        closed: (why) => this.drop(why),
      });
      if (transport === null) continue;
      this.transport = transport;
      if (await this.handshake(transport, i === this.factories.length - 1)) return true;
      if (this.drops !== drops) return false;
    }
    if (this.transport === null) this.link.set({ kind: 'offline', why: null });
    return false;
  }

  private handshake(transport: Transport, isLast: boolean): Promise<boolean> {
    return new Promise((resolve) => {
      const cancel = this.clock.after(HANDSHAKE_MS, () => {
        if (isLast && this.transport === transport) {
          this.link.set({ kind: 'waiting', path: transport.path });
        } else if (this.transport === transport) {
          transport.dispose();
          this.transport = null;
          this.onWelcome = null;
        }
        resolve(false);
      });
      this.onWelcome = (welcome) => {
        cancel();
        this.link.set({ kind: 'live', path: welcome.path, slow: false });
        for (const session of this.sessions.values()) session.hello();
        resolve(true);
      };
      this.post({ kind: 'hello', client: this.client, run: null });
    });
  }

  private receive(data: unknown, buffers: readonly WireBuffer[]): void {
    try {
      this.route(decodeServerMessage(data, buffers));
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.drop(error.message);
    }
  }

  private route(message: ServerMessage): void {
    switch (message.kind) {
      case 'welcome':
        if (message.client !== this.client) return;
        this.runs.set(message.runs);
        this.welcome(message);
        return;
      case 'ack':
      case 'answer':
        this.pending.get(message.id)?.settle(message.outcome);
        return;
      case 'snapshot':
      case 'delta':
      case 'bye':
        this.sessions.get(message.run)?.receive(message);
        return;
      default:
        assertNever(message);
    }
  }

  private welcome(message: Welcome): void {
    const first = this.onWelcome;
    this.onWelcome = null;
    first?.(message);
  }

  private markSlow(slow: boolean): void {
    const { value } = this.link;
    if (value.kind === 'live' && value.slow !== slow) this.link.set({ ...value, slow });
  }
}

/** Where bundles of one page find each other's controllers: a kernel has one comm on a page. */
const SHARED = Symbol.for('synetune_lab.controllers.v1');

/** The controller of a kernel connection, made by `create` for the first who asks. */
export function sharedController(kernel: object, create: () => Controller): Controller {
  const scope = globalThis as { [SHARED]?: WeakMap<object, Controller> };
  scope[SHARED] ??= new WeakMap();
  let controller = scope[SHARED].get(kernel);
  if (controller === undefined) {
    controller = create();
    scope[SHARED].set(kernel, controller);
  }
  return controller;
}
