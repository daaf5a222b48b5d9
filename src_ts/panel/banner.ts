/** One sentence for the states that need one, with what helps. */

import type { ViewLink } from '../client/source';
import { fill, h, setHidden } from '../dom/dom';
import { formatDuration, formatNumber, plural } from '../state/format';
import { isDrivenByJob, isOver } from '../state/remote';
import { mainMetric, type RunState, trialsOf } from '../state/run';
import { nTrials } from '../state/sentences';
import type { PanelContext } from './context';

export type BannerAction = 'resume-code' | 'find-code' | 'show-failed' | 'back-home';

export interface BannerWords {
  readonly tone: 'info' | 'good' | 'wait' | 'bad';
  readonly text: string;
  readonly actions: readonly BannerAction[];
}

/** What is to be said about the run, null if it speaks for itself. */
export function bannerWords(
  run: RunState | null,
  link: ViewLink,
  farewell: string | null,
  away: boolean,
): BannerWords | null {
  if (run === null) return null;
  const words =
    readOnlyWords(run) ??
    farewellWords(run, farewell) ??
    lostWords(run, link) ??
    jobWords(run, link) ??
    endWords(run);
  if (!away) return words;
  if (words !== null) return { ...words, actions: [...words.actions, 'back-home'] };
  const text = `You are looking at the run ${run.header.name}.`;
  return { tone: 'info', text, actions: ['back-home'] };
}

function readOnlyWords(run: RunState): BannerWords | null {
  const { header } = run;
  if (!header.readOnly) return null;
  const trouble = isDrivenByJob(header) ? (header.remote?.trouble ?? null) : null;
  if (trouble !== null) return { tone: 'wait', text: sentence(trouble), actions: ['find-code'] };
  return {
    tone: 'info',
    text: `Saved run, open for reading. ${summary(run)}`,
    actions: ['resume-code'],
  };
}

function farewellWords({ header }: RunState, farewell: string | null): BannerWords | null {
  if (farewell === null) return null;
  const text = `The kernel let go of this run: ${sentence(farewell)}`;
  if (!isDrivenByJob(header)) return { tone: 'info', text, actions: [] };
  return { tone: 'wait', text: `${text} The job goes on without it.`, actions: ['find-code'] };
}

/** The kernel is gone before the run was over. */
function lostWords({ header }: RunState, link: ViewLink): BannerWords | null {
  if (link.kind !== 'offline' || link.why === null || isOver(header)) return null;
  if (isDrivenByJob(header)) {
    return {
      tone: 'wait',
      text:
        `The kernel is gone (${link.why}). The job goes on without it; this is what was known of ` +
        'it last.',
      actions: ['find-code'],
    };
  }
  return {
    tone: 'bad',
    text:
      `The kernel is gone (${link.why}). This is what it told last; reports are saved as they ` +
      'come, and the run can be resumed from where it was.',
    actions: ['resume-code'],
  };
}

/** What keeps a run that a job drives from being seen as it is now. */
function jobWords({ header }: RunState, link: ViewLink): BannerWords | null {
  if (!isDrivenByJob(header) || link.kind !== 'live') return null;
  const trouble = header.remote?.trouble ?? null;
  if (trouble !== null) return { tone: 'wait', text: sentence(trouble), actions: [] };
  if (header.state !== 'starting' || header.waitsFor === null) return null;
  return {
    tone: 'info',
    text:
      `${capital(sentence(header.waitsFor))} The tuning begins by itself after that, as a rule ` +
      'within a few minutes. This notebook need not stay open.',
    actions: [],
  };
}

function endWords(run: RunState): BannerWords | null {
  const { header } = run;
  const failed = failure(run);
  if (failed !== null) return { tone: 'bad', text: failed, actions: ['show-failed'] };
  if (header.state === 'failed') {
    return { tone: 'bad', text: header.why ?? 'The run failed.', actions: ['resume-code'] };
  }
  if (header.state !== 'finished') return null;
  const why = header.why === null ? '' : `${capital(sentence(header.why))} `;
  return { tone: 'good', text: `${why}${summary(run)}`, actions: ['resume-code'] };
}

/** `All 4 trials failed: ValueError: ...` */
export function failure(run: RunState): string | null {
  const total = nTrials(run.header);
  const failed = run.header.counts.Failed;
  if (total === 0 || failed < total) return null;
  const row = trialsOf(run).findLast((one) => one.error !== null);
  const error =
    row?.error
      ?.trim()
      .split('\n')
      .findLast((text) => text.trim() !== '') ?? '';
  const subject = total === 1 ? 'The only trial failed' : `All ${total} trials failed`;
  return error === '' ? `${subject}.` : `${subject}: ${error.trim()}`;
}

function summary(run: RunState): string {
  const best = run.best.at(-1);
  const trials = plural(nTrials(run.header), 'trial');
  const time = formatDuration(run.header.tunerTime);
  if (best === undefined) return `${trials} in ${time}, none reported a value.`;
  const { name } = mainMetric(run.header);
  return `${trials} in ${time}; best ${name} ${formatNumber(best.value, 4)} by trial ${best.trial}.`;
}

function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

const ACTION_TEXT: Readonly<Record<BannerAction, string>> = {
  'resume-code': 'Resume …',
  'find-code': 'Find it again …',
  'show-failed': 'Show log',
  'back-home': 'Back',
};

export class Banner {
  readonly root = h('div', { class: 'stl-banner' });
  private key: string | null = null;

  constructor(
    private readonly context: PanelContext,
    private readonly act: (action: BannerAction) => void,
  ) {
    const { source, state, signal } = context;
    const update = (): void => this.update();
    state.subscribe(update, signal);
    source.link.subscribe(update, signal);
    source.farewell.subscribe(update, signal);
    this.update();
  }

  private update(): void {
    const { source, state, signal } = this.context;
    const words = bannerWords(
      state.value,
      source.link.value,
      source.farewell.value,
      source.away !== null,
    );
    const key = words === null ? '' : JSON.stringify(words);
    if (key === this.key) return;
    this.key = key;
    setHidden(this.root, words === null);
    if (words === null) return;
    this.root.dataset.tone = words.tone;
    this.root.setAttribute('role', words.tone === 'bad' ? 'alert' : 'note');
    const buttons = words.actions.map((action) => {
      const button = h(
        'button',
        { class: 'stl-button stl-small', data: { action }, attrs: { type: 'button' } },
        ACTION_TEXT[action],
      );
      button.addEventListener('click', () => this.act(action), { signal });
      return button;
    });
    fill(this.root, h('span', { class: 'stl-banner-text' }, words.text), ...buttons);
  }
}
