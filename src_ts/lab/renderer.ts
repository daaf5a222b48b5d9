/** Our MIME type in a notebook: the saved picture first, then the live run. */

import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import { Widget } from '@lumino/widgets';
import { Source } from '../client/source';
import type { HostServices } from '../panel/context';
import { Panel } from '../panel/panel';
import { decodeStaticBundle } from '../protocol/decode';
import { ProtocolError } from '../protocol/json';
import { MIME_TYPE } from '../protocol/messages';
import { fromSnapshot } from '../state/run';
import { type KernelHolder, keepLive } from './live';
import { watchFailures } from './notify';
import type { Settings } from './settings';

export interface RendererHost {
  /** The notebook's kernel, where there is one. */
  readonly kernel: KernelHolder | null;
  readonly services: HostServices;
  readonly settings: Settings;
}

export class DashboardRenderer extends Widget implements IRenderMime.IRenderer {
  private readonly source = new Source();
  private readonly lifetime = new AbortController();
  private panel: Panel | null = null;
  private run: string | null = null;

  constructor(private readonly host: RendererHost) {
    super();
    this.addClass('stl-output');
  }

  /** Shows the bundle; a later one for the same output only renews the picture. */
  async renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    try {
      const { snapshot } = decodeStaticBundle(model.data[MIME_TYPE]);
      this.source.setPicture(fromSnapshot(snapshot, performance.now()));
      this.begin(snapshot.run);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.node.textContent = `The panel cannot be shown: ${error.message}.`;
    }
  }

  private begin(run: string): void {
    this.panel ??= new Panel(this.node, this.source, this.host.services);
    if (this.run === run) return;
    this.run = run;
    if (this.host.kernel === null || !this.host.settings.value.liveInNotebooks) return;
    keepLive(this.host.kernel, this.source, run, this.lifetime.signal);
    watchFailures(this.source, this.host.settings, this.lifetime.signal);
  }

  override dispose(): void {
    if (this.isDisposed) return;
    this.lifetime.abort();
    this.panel?.dispose();
    this.source.dispose();
    super.dispose();
  }
}

/** Ranks below widgets (-10), so that where both can show a tuner, this does. */
const RANK = -20;

export function rendererFactory(host: () => RendererHost): IRenderMime.IRendererFactory {
  return {
    safe: true,
    mimeTypes: [MIME_TYPE],
    defaultRank: RANK,
    createRenderer: () => new DashboardRenderer(host()),
  };
}
