/** Panels outside of notebooks: of a notebook's run, or of saved runs. */

import { Widget } from '@lumino/widgets';
import type { Controller } from '../client/controller';
import { Source } from '../client/source';
import { fill, h } from '../dom/dom';
import type { HostServices } from '../panel/context';
import { Panel } from '../panel/panel';
import { readSavedRuns, type SavedRun, savedFacts } from '../panel/saved_runs';
import { followTheme } from '../panel/theming';
import { isObject } from '../protocol/json';
import { tuneIcon } from './icons';

/** The panel of one run. */
export class RunView extends Widget {
  private readonly source = new Source();
  private readonly panel: Panel;

  constructor(controller: Controller, run: string, services: HostServices) {
    super();
    this.addClass('stl-main-area');
    this.title.label = run;
    this.title.icon = tuneIcon;
    this.title.closable = true;
    this.panel = new Panel(this.node, this.source, services);
    this.source.connect(controller, run);
  }

  override dispose(): void {
    if (this.isDisposed) return;
    this.panel.dispose();
    this.source.dispose();
    super.dispose();
  }
}

/** A list of saved runs, and the panel of the one that is opened. */
export class SavedRunView extends Widget {
  /** Folder of the run that is shown, for the layout to restore. */
  path: string | null;
  private readonly lifetime = new AbortController();
  private readonly list = h('div', { class: 'stl-saved-list stl-saved-main' });
  private readonly error = h('p', { class: 'stl-field-error', role: 'alert' });
  private view: { panel: Panel; source: Source } | null = null;

  /**
   * @param connect finds or starts a kernel that can read runs.
   * @param end called when the view is closed.
   */
  constructor(
    private readonly connect: () => Promise<Controller>,
    private readonly end: () => void,
    path: string | null,
  ) {
    super();
    this.path = path;
    this.addClass('stl-main-area');
    this.title.label = 'Saved runs';
    this.title.icon = tuneIcon;
    this.title.closable = true;
    void this.begin();
    followTheme(this.node, () => undefined, this.lifetime.signal);
  }

  private async begin(): Promise<void> {
    fill(
      this.node,
      h(
        'div',
        { class: 'stl-panel stl-chooser' },
        h('p', {}, 'Starting a kernel to read saved runs …'),
      ),
    );
    try {
      const controller = await this.connect();
      if (this.isDisposed) return;
      if (this.path === null) await this.choose(controller);
      else await this.open(controller, this.path);
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      fill(
        this.node,
        h('div', { class: 'stl-panel stl-chooser' }, h('p', { class: 'stl-field-error' }, text)),
      );
    }
  }

  private async choose(controller: Controller): Promise<void> {
    const { signal } = this.lifetime;
    const field = h('input', {
      class: 'stl-input stl-path',
      aria: { label: 'Folder of a run' },
      attrs: { type: 'text', placeholder: 'or the folder of a run', spellcheck: 'false' },
    });
    const go = h('button', { class: 'stl-button stl-small', attrs: { type: 'submit' } }, 'Open');
    const form = h('form', { class: 'stl-path-form' }, field, go);
    form.addEventListener(
      'submit',
      (event) => {
        event.preventDefault();
        if (field.value.trim() !== '') void this.open(controller, field.value.trim());
      },
      { signal },
    );
    fill(
      this.node,
      h(
        'div',
        { class: 'stl-panel stl-chooser', attrs: { 'data-lm-suppress-shortcuts': 'true' } },
        h('h2', {}, 'Saved runs'),
        h(
          'p',
          { class: 'stl-dim' },
          'Opening a run reads its log only; nothing of it is executed.',
        ),
        form,
        this.error,
        this.list,
      ),
    );
    const outcome = await controller.query('saved_runs');
    if (signal.aborted) return;
    const runs = outcome.ok ? readSavedRuns(outcome.result) : [];
    if (!outcome.ok) this.error.textContent = outcome.error;
    else if (runs.length === 0)
      fill(this.list, h('p', {}, 'No saved run was found in the usual folder.'));
    else fill(this.list, ...runs.map((run) => this.line(controller, run)));
  }

  private line(controller: Controller, run: SavedRun): HTMLElement {
    const button = h(
      'button',
      {
        class: 'stl-button stl-small',
        data: { action: 'open-saved', path: run.path },
        attrs: { type: 'button' },
      },
      'Open',
    );
    button.addEventListener('click', () => void this.open(controller, run.path), {
      signal: this.lifetime.signal,
    });
    return h(
      'div',
      { class: 'stl-saved-run' },
      h('b', { title: run.path }, run.name),
      h('span', { class: 'stl-dim' }, savedFacts(run, Date.now() / 1000)),
      h('span', { class: 'stl-spacer' }),
      button,
    );
  }

  private async open(controller: Controller, path: string): Promise<void> {
    const outcome = await controller.query('open_saved', { path });
    if (this.isDisposed) return;
    const run = outcome.ok && isObject(outcome.result) ? outcome.result.run : null;
    if (typeof run !== 'string') {
      if (this.error.parentElement === null) await this.choose(controller);
      this.error.textContent = outcome.ok ? 'The kernel named no run.' : outcome.error;
      return;
    }
    this.path = path;
    this.title.label = path.split(/[/\\]/).findLast((part) => part !== '') ?? 'Saved run';
    fill(this.node);
    const source = new Source();
    this.view = { source, panel: new Panel(this.node, source) };
    source.connect(controller, run);
  }

  override dispose(): void {
    if (this.isDisposed) return;
    this.lifetime.abort();
    this.view?.panel.dispose();
    this.view?.source.dispose();
    this.end();
    super.dispose();
  }
}
