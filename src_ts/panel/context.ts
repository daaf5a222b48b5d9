/** What the parts of a panel share. */

import type { ViewContext } from '../charts/context';
import type { Source } from '../client/source';
import type { TrialId } from '../protocol/messages';
import type { Actions } from './actions';
import type { Notices } from './notices';

/** What a host can do for a panel, beyond a web page. */
export interface HostServices {
  /**
   * Puts code into a new cell of the user's notebook, and runs it if wished. Absent: it is copied
   * instead.
   */
  readonly insertCode?: (code: string, run: boolean) => void;
  /** Gives the focus back to the notebook. */
  readonly leave?: () => void;
}

export interface PanelContext extends ViewContext {
  readonly root: HTMLElement;
  readonly source: Source;
  readonly actions: Actions;
  readonly notices: Notices;
  readonly host: HostServices;
  openTrial(trial: TrialId | null): void;
}
