import { describe, expect, it } from 'vitest';
import type { Header, Remote } from '../protocol/messages';
import { makeState } from '../testing/fixtures';
import { heardPhrase, isDrivenByJob, patienceWords, waitingPhrase } from './remote';
import { tunerTimeNow } from './run';

const REMOTE: Remote = { job: 'digits-1', url: null, heardAt: 1_790_000_010, trouble: null };
const state = (header: Partial<Header> = {}) => makeState({ remote: REMOTE, ...header });

describe('a run that a job drives', () => {
  it('is told from one of this kernel, and from one that is over', () => {
    expect(isDrivenByJob(state().header)).toBe(true);
    expect(isDrivenByJob(state({ state: 'finished' }).header)).toBe(false);
    expect(isDrivenByJob(makeState().header)).toBe(false);
    expect(isDrivenByJob(undefined)).toBe(false);
  });

  it('was heard of by the clock of the kernel, not by that of the browser', () => {
    expect(heardPhrase(state(), REMOTE, 0)).toBe('heard 3 s ago');
    expect(heardPhrase(state(), REMOTE, 60_000)).toBe('heard 63 s ago');
    const silent = { ...REMOTE, heardAt: null };
    expect(heardPhrase(state(), silent, 0)).toBe('not heard of yet');
    expect(heardPhrase(state({ state: 'starting' }), silent, 0)).toBeNull();
    expect(heardPhrase(state({ state: 'finished' }), REMOTE, 0)).toBeNull();
  });

  it('answers in a time of its own', () => {
    expect(patienceWords(state().header, REMOTE)).toContain('within a few seconds');
    expect(patienceWords(state({ state: 'starting' }).header, REMOTE)).toContain('has begun');
    const trouble = { ...REMOTE, trouble: 'AWS can’t be asked' };
    expect(patienceWords(state().header, trouble)).toContain('heard of again');
    expect([0, 1, 2].map(waitingPhrase)).toEqual([
      null,
      '1 command waits for the job',
      '2 commands wait for the job',
    ]);
  });

  it('has a time that goes on while it is heard of', () => {
    expect(tunerTimeNow(state({ tunerTime: 5 }), 2000)).toBe(7);
    const remote = { ...REMOTE, trouble: 'not heard of for 2 min' };
    expect(tunerTimeNow(state({ tunerTime: 5, remote }), 2000)).toBe(5);
  });
});
