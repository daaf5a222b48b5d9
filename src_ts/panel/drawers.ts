/** The sections at the bottom: one is open at a time. */

import { h, setHidden } from '../dom/dom';
import { icon } from '../dom/icons';
import type { TrialRow } from '../protocol/messages';
import type { Drawer } from '../state/ui';
import type { PanelContext } from './context';
import { CriterionForm } from './criterion_form';
import { EnqueueForm } from './enqueue_form';
import { LinkStatus } from './link_status';
import { LogDrawer } from './log_drawer';
import { SavedRuns } from './saved_runs';
import { SpaceDrawer } from './space_drawer';

type Section = Exclude<Drawer, 'none'>;

export class Drawers {
  readonly root: HTMLElement;
  private readonly tabs = new Map<Section, HTMLButtonElement>();
  private readonly sections: ReadonlyMap<Section, { root: HTMLElement }>;
  private readonly enqueue: EnqueueForm;

  constructor(private readonly context: PanelContext) {
    this.enqueue = new EnqueueForm(context);
    this.sections = new Map<Section, { root: HTMLElement }>([
      ['space', new SpaceDrawer(context)],
      ['log', new LogDrawer(context)],
      ['enqueue', this.enqueue],
      ['criterion', new CriterionForm(context)],
      ['saved', new SavedRuns(context)],
    ]);
    const titles: readonly (readonly [Section, string])[] = [
      ['space', 'Space'],
      ['log', 'Log'],
      ['enqueue', 'Add a configuration'],
      ['criterion', 'When it ends'],
      ['saved', 'Saved runs'],
    ];
    for (const [name, title] of titles) {
      const button = h(
        'button',
        {
          class: 'stl-tab',
          aria: { expanded: 'false' },
          data: { action: `drawer-${name}` },
          attrs: { type: 'button' },
        },
        icon('chevron'),
        title,
      );
      button.addEventListener('click', () => this.toggle(name), { signal: context.signal });
      this.tabs.set(name, button);
    }
    this.root = h(
      'div',
      { class: 'stl-drawers' },
      h(
        'div',
        { class: 'stl-tabs' },
        ...this.tabs.values(),
        h('span', { class: 'stl-spacer' }),
        new LinkStatus(context).root,
      ),
      ...[...this.sections.values()].map((section) => section.root),
    );
    const update = (): void => this.update();
    context.ui.subscribe(update, context.signal);
    this.update();
  }

  toggle(name: Section): void {
    const { ui } = this.context;
    ui.update({ drawer: ui.value.drawer === name ? 'none' : name });
  }

  runAgain(row: TrialRow): void {
    this.context.ui.update({ drawer: 'enqueue' });
    this.enqueue.preset(row);
    this.enqueue.root.scrollIntoView({ block: 'nearest' });
  }

  private update(): void {
    const { drawer } = this.context.ui.value;
    for (const [name, section] of this.sections) setHidden(section.root, name !== drawer);
    for (const [name, tab] of this.tabs) tab.setAttribute('aria-expanded', String(name === drawer));
  }
}
