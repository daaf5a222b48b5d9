/**
 * What a panel shows: first perhaps a saved picture, then the live run, later perhaps a saved run
 * and back. Panels see one state and one link, whatever is behind them.
 */

import type { JsonObject } from '../protocol/json';
import type { CommandName, Outcome, QueryName } from '../protocol/messages';
import type { RunState } from '../state/run';
import { Store } from '../state/store';
import type { Controller, LinkState } from './controller';
import type { RunSession } from './session';

export type ViewLink = { readonly kind: 'static' } | LinkState;

const NOT_CONNECTED: Outcome = { ok: false, error: 'this panel is not connected to a kernel' };

export class Source {
  readonly state = new Store<RunState | null>(null);
  readonly link = new Store<ViewLink>({ kind: 'static' });
  /** Why the kernel forgot the run. */
  readonly farewell = new Store<string | null>(null);
  private controller: Controller | null = null;
  private session: RunSession | null = null;
  private binding: AbortController | null = null;
  private home: string | null = null;
  private disposed = false;

  constructor(initial: RunState | null = null) {
    this.state.set(initial);
    this.home = initial?.run ?? null;
  }

  /** The run that was shown first, if another one is shown now. */
  get away(): string | null {
    const shown = this.session?.run ?? null;
    return this.home !== null && shown !== null && shown !== this.home ? this.home : null;
  }

  get live(): boolean {
    return this.controller !== null;
  }

  /** A newer saved picture; ignored once the run is live. */
  setPicture(state: RunState): void {
    if (this.session?.state.value == null) this.state.set(state);
  }

  /** Shows a run of a kernel. The picture that is there stays until the first snapshot comes. */
  connect(controller: Controller, run: string): void {
    if (this.disposed) return;
    this.home ??= run;
    this.binding?.abort();
    this.binding = new AbortController();
    const { signal } = this.binding;
    this.controller = controller;
    const session = controller.session(run);
    this.session = session;
    controller.link.subscribe((link) => this.link.set(link), signal);
    session.state.subscribe((state) => this.state.set(state), signal);
    session.farewell.subscribe((why) => this.farewell.set(why), signal);
    this.link.set(controller.link.value);
    this.farewell.set(session.farewell.value);
    if (session.state.value !== null) this.state.set(session.state.value);
    session.attach(signal);
  }

  /** Shows another run of the same kernel in this panel. */
  openRun(run: string): void {
    if (this.controller !== null) this.connect(this.controller, run);
  }

  goHome(): void {
    if (this.home !== null) this.openRun(this.home);
  }

  command(cmd: CommandName, args: JsonObject = {}): Promise<Outcome> {
    return this.session?.command(cmd, args) ?? Promise.resolve(NOT_CONNECTED);
  }

  query(what: QueryName, args: JsonObject = {}): Promise<Outcome> {
    return this.session?.query(what, args) ?? Promise.resolve(NOT_CONNECTED);
  }

  dispose(): void {
    this.disposed = true;
    this.binding?.abort();
    this.binding = null;
    this.controller = null;
    this.session = null;
  }
}
