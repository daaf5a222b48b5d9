/** What can be done with the selected trials together. */

import { h, setHidden, setText } from '../dom/dom';
import type { TrialId } from '../protocol/messages';
import type { PanelContext } from './context';
import { possible } from './table_row';

export class SelectionBar {
  readonly root: HTMLElement;
  private readonly words = h('span', { class: 'stl-dim', role: 'status' });
  private readonly buttons: Record<'pause' | 'resume' | 'stop', HTMLButtonElement>;

  constructor(private readonly context: PanelContext) {
    const { signal, actions, ui } = context;
    const make = (what: 'pause' | 'resume' | 'stop', text: string): HTMLButtonElement => {
      const button = h(
        'button',
        {
          class: 'stl-button stl-small',
          data: { action: `${what}-selected` },
          attrs: { type: 'button' },
        },
        text,
      );
      button.addEventListener(
        'click',
        () => {
          const ids = this.able(what);
          if (what === 'pause') actions.pauseTrials(ids, button);
          else if (what === 'resume') actions.resumeTrials(ids, button);
          else void actions.stopTrials(ids, button);
        },
        { signal },
      );
      return button;
    };
    this.buttons = {
      pause: make('pause', 'Pause'),
      resume: make('resume', 'Resume'),
      stop: make('stop', 'Stop'),
    };
    const none = h(
      'button',
      {
        class: 'stl-button stl-small',
        data: { action: 'clear-selection' },
        attrs: { type: 'button' },
      },
      'Clear',
    );
    none.addEventListener('click', () => ui.update({ selected: new Set() }), { signal });
    this.root = h(
      'div',
      { class: 'stl-selection', role: 'toolbar', aria: { label: 'Selected trials' } },
      this.words,
      this.buttons.pause,
      this.buttons.resume,
      this.buttons.stop,
      none,
    );
    const update = (): void => this.update();
    ui.subscribe(update, signal);
    context.state.subscribe(update, signal);
    this.update();
  }

  private able(what: 'pause' | 'resume' | 'stop'): TrialId[] {
    const run = this.context.state.value;
    return [...this.context.ui.value.selected].filter((id) => {
      const row = run?.trials[id];
      return row !== undefined && possible(row)[what];
    });
  }

  private update(): void {
    const { selected } = this.context.ui.value;
    setHidden(this.root, selected.size < 2);
    if (selected.size < 2) return;
    setText(this.words, `${selected.size} selected`);
    const blocked = this.context.actions.obstacle() !== null;
    for (const what of ['pause', 'resume', 'stop'] as const) {
      this.buttons[what].disabled = blocked || this.able(what).length === 0;
    }
  }
}
