/** The panel: puts its parts together, follows the theme, takes keys, and goes away cleanly. */

import { BestChart } from '../charts/best_chart';
import { CurvesChart } from '../charts/curves_chart';
import { RungsChart } from '../charts/rungs_chart';
import { LIGHT } from '../charts/theme';
import type { Source } from '../client/source';
import { h, setHidden, takesText } from '../dom/dom';
import type { TrialId } from '../protocol/messages';
import { isDrivenByJob } from '../state/remote';
import { Store } from '../state/store';
import { initialUi } from '../state/ui';
import { Actions } from './actions';
import { Banner, type BannerAction } from './banner';
import type { HostServices, PanelContext } from './context';
import { Drawers } from './drawers';
import { HeaderView } from './header';
import { showHelp } from './help';
import type { MenuItem } from './menu';
import { Notices } from './notices';
import { showCode } from './resume_code';
import { TrialTable } from './table';
import { followTheme } from './theming';
import { TrialDrawer } from './trial_drawer';

export class Panel {
  readonly root: HTMLElement;
  private readonly lifetime = new AbortController();
  private readonly context: PanelContext;
  private readonly header: HeaderView;
  private readonly drawers: Drawers;
  private readonly table: TrialTable;

  /**
   * Shows a source in an element until `dispose`.
   *
   * @param source what to show; it belongs to the caller.
   */
  constructor(parent: HTMLElement, source: Source, host: HostServices = {}) {
    const { signal } = this.lifetime;
    this.root = h('div', {
      class: 'stl-panel',
      role: 'region',
      aria: { label: 'Hyperparameter tuning' },
      // JupyterLab takes single keys for itself otherwise.
      attrs: {
        tabindex: '-1',
        'data-lm-suppress-shortcuts': 'true',
        'data-jp-suppress-context-menu': 'true',
      },
    });
    const notices = new Notices(signal);
    const { root } = this;
    this.context = {
      root,
      source,
      state: source.state,
      ui: new Store(initialUi()),
      theme: new Store(LIGHT),
      signal,
      notices,
      host,
      actions: new Actions(source, notices, root, signal),
      openTrial: (trial) => this.openTrial(trial),
    };
    parent.append(root);
    this.header = new HeaderView(this.context, () => this.menu());
    const banner = new Banner(this.context, (action) => this.bannerAction(action));
    const open = (trial: TrialId): void => this.openTrial(trial);
    const curves = new CurvesChart(this.context, open);
    const rungs = new RungsChart(this.context, open);
    const best = new BestChart(this.context, open);
    this.table = new TrialTable(this.context);
    this.drawers = new Drawers(this.context);
    const drawer = new TrialDrawer(this.context, (row) => this.drawers.runAgain(row));
    const charts = h('div', { class: 'stl-charts' }, curves.root, rungs.root, best.root);
    root.append(
      this.header.root,
      banner.root,
      h(
        'div',
        { class: 'stl-body' },
        h('div', { class: 'stl-main' }, charts, this.table.root, this.drawers.root),
        drawer.root,
        notices.root,
      ),
    );
    const showRungs = (): void => {
      const run = source.state.value;
      const has =
        run === null || run.rungs.size > 0 || run.header.scheduler.rungLevels.flat().length > 0;
      setHidden(rungs.root, !has);
      charts.classList.toggle('stl-charts-two', !has);
      root.classList.toggle('stl-drawer-open', this.context.ui.value.opened !== null);
    };
    source.state.subscribe(showRungs, signal);
    this.context.ui.subscribe(showRungs, signal);
    showRungs();
    followTheme(root, (theme) => this.context.theme.set(theme), signal);
    root.addEventListener('keydown', (event) => this.key(event), { signal });
    // A click on the panel must not select the notebook's cell in the middle of a drag.
    root.addEventListener('pointerdown', () => this.takeFocus(), { signal });
  }

  get disposed(): boolean {
    return this.lifetime.signal.aborted;
  }

  dispose(): void {
    if (this.disposed) return;
    this.lifetime.abort();
    this.root.remove();
  }

  private takeFocus(): void {
    if (!this.root.contains(document.activeElement)) this.root.focus({ preventScroll: true });
  }

  private openTrial(trial: TrialId | null): void {
    this.context.ui.update({ opened: trial });
  }

  private bannerAction(action: BannerAction): void {
    const { source, ui } = this.context;
    if (action === 'resume-code' || action === 'find-code')
      void showCode(this.context, source.state.value?.header.path ?? null);
    else if (action === 'back-home') source.goHome();
    else {
      const failed = source.state.value?.trials.findLast((row) => row?.status === 'Failed');
      ui.update({ opened: failed?.id ?? null });
    }
  }

  private menu(): readonly MenuItem[] {
    const { actions, state, ui } = this.context;
    const blocked = actions.obstacle() !== null;
    const readOnly = state.value?.header.readOnly ?? false;
    const show = (drawer: 'enqueue' | 'criterion' | 'saved' | 'space'): (() => void) => {
      return () => ui.update({ drawer });
    };
    const items: MenuItem[] = [
      {
        label: 'Save now',
        action: 'save',
        pick: () => actions.save(null),
        disabled: blocked || readOnly,
      },
      { label: 'Edit the space …', action: 'edit-space', pick: show('space') },
      {
        label: 'Add a configuration …',
        action: 'add-configuration',
        pick: show('enqueue'),
        disabled: readOnly,
      },
      {
        label: 'When the run ends …',
        action: 'edit-criterion',
        pick: show('criterion'),
        disabled: readOnly,
      },
      { label: 'Saved runs …', action: 'saved-runs', pick: show('saved') },
      {
        label: isDrivenByJob(state.value?.header)
          ? 'Code to find this run again …'
          : 'Code to resume this run …',
        action: 'resume-code',
        pick: () => void showCode(this.context, state.value?.header.path ?? null),
      },
      { label: 'Keys and marks (?)', action: 'help', pick: () => showHelp(this.context) },
    ];
    return items;
  }

  private key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    const { ui, host } = this.context;
    if (event.key === 'Escape') {
      if (takesText(event.target) && event.target instanceof HTMLElement) event.target.blur();
      else if (ui.value.opened !== null) this.openTrial(null);
      else if (ui.value.drawer !== 'none') ui.update({ drawer: 'none' });
      else host.leave?.();
      event.stopPropagation();
      return;
    }
    if (takesText(event.target)) return;
    if (event.target instanceof Element && event.target.closest('dialog') !== null) return;
    const deeds: Record<string, () => void> = {
      p: () => this.header.togglePause(),
      s: () => this.header.askStop(),
      e: () => this.drawers.toggle('space'),
      f: () => this.table.filterInput.focus(),
      '?': () => showHelp(this.context),
    };
    const deed = deeds[event.key];
    if (deed === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    deed();
  }
}
