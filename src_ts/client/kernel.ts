/**
 * Transports over a Jupyter kernel connection: our own comm target over the control channel, which
 * answers while the kernel computes, and over the shell channel, which does not.
 *
 * The kernel is described by what is used of it, so that nothing of Jupyter is bundled here.
 */

import type { WireBuffer } from '../protocol/columns';
import { isObject, type JsonObject } from '../protocol/json';
import { COMM_ID, COMM_TARGET, type LinkPath } from '../protocol/messages';
import { Controller } from './controller';
import { freshId, type Transport, type TransportEvents, type TransportFactory } from './transport';

const DISCOVERY_MS = 5000;

interface CommMessage {
  readonly content: { readonly data: unknown };
  readonly buffers?: readonly WireBuffer[] | undefined;
}
interface CommLike {
  onMsg: (message: CommMessage) => void;
  onClose: (message: unknown) => void;
  open(data?: unknown): unknown;
  send(data: unknown): unknown;
  dispose(): void;
}
interface FutureLike {
  onReply: (message: { readonly content: unknown }) => void;
  dispose(): void;
}
interface SignalLike {
  connect(slot: (sender: unknown, status: string) => void): unknown;
  disconnect(slot: (sender: unknown, status: string) => void): unknown;
}
export interface KernelLike {
  readonly clientId: string;
  readonly username: string;
  readonly isDisposed: boolean;
  readonly statusChanged: SignalLike;
  readonly disposed?: SignalLike;
  createComm(target: string, id: string): CommLike;
  hasComm?(id: string): boolean;
  sendControlMessage(message: unknown, expectReply: boolean, disposeOnDone: boolean): unknown;
}

/** Whether a value found in some host is a kernel connection that we can use. */
export function isKernel(value: unknown): value is KernelLike {
  return (
    isObject(value) &&
    typeof value.clientId === 'string' &&
    typeof value.createComm === 'function' &&
    typeof value.sendControlMessage === 'function'
  );
}

const DEAD = new Set(['restarting', 'autorestarting', 'dead', 'terminating', 'unknown']);

function controlMessage(kernel: KernelLike, type: string, content: JsonObject): unknown {
  return {
    header: {
      msg_id: freshId('stl'),
      msg_type: type,
      session: kernel.clientId,
      username: kernel.username,
      date: new Date().toISOString(),
      version: '5.3',
    },
    parent_header: {},
    metadata: {},
    content,
    buffers: [],
    channel: 'control',
  };
}

/**
 * Whether the kernel has our comm, asked over the control channel so that a busy kernel answers.
 * Resolves to null if it does not answer at all.
 */
export function discover(kernel: KernelLike): Promise<boolean | null> {
  return new Promise((resolve) => {
    const message = controlMessage(kernel, 'comm_info_request', { target_name: COMM_TARGET });
    let future: FutureLike;
    try {
      future = kernel.sendControlMessage(message, true, true) as FutureLike;
    } catch {
      resolve(null);
      return;
    }
    const timer = setTimeout(() => {
      future.dispose();
      resolve(null);
    }, DISCOVERY_MS);
    future.onReply = (reply) => {
      clearTimeout(timer);
      const comms = isObject(reply.content) ? reply.content.comms : undefined;
      resolve(isObject(comms) && Object.keys(comms).length > 0);
    };
  });
}

function openComm(kernel: KernelLike, path: LinkPath, events: TransportEvents): Transport | null {
  if (kernel.isDisposed || kernel.hasComm?.(COMM_ID) === true) return null;
  const comm = kernel.createComm(COMM_TARGET, COMM_ID);
  let open = true;
  const onStatus = (_sender: unknown, status: string): void => {
    if (DEAD.has(status)) close('the kernel has stopped or is starting again');
  };
  const close = (why: string): void => {
    if (!open) return;
    transport.dispose();
    events.closed(why);
  };
  const control = (type: 'comm_open' | 'comm_msg', data: JsonObject): void => {
    const target = type === 'comm_open' ? { target_name: COMM_TARGET } : {};
    const content = { comm_id: COMM_ID, ...target, data };
    kernel.sendControlMessage(controlMessage(kernel, type, content), false, true);
  };
  const transport: Transport = {
    path,
    send(message) {
      if (!open) return;
      if (path === 'control') control('comm_msg', message);
      else comm.send(message);
    },
    dispose() {
      if (!open) return;
      open = false;
      kernel.statusChanged.disconnect(onStatus);
      // Forgets it on this side only: other views may use the kernel's end.
      comm.dispose();
    },
  };
  comm.onMsg = (message) => events.message(message.content.data, message.buffers ?? []);
  comm.onClose = () => close('the kernel has closed the connection');
  kernel.statusChanged.connect(onStatus);
  if (path === 'control') control('comm_open', {});
  else comm.open({});
  return transport;
}

/**
 * The ways to the runs of a kernel, best first. Nothing is opened in a kernel that is known not to
 * have our comm; one that does not answer on the control channel is tried over the shell channel.
 */
export function kernelTransports(kernel: KernelLike): TransportFactory[] {
  let found: boolean | null = null;
  return [
    async (events) => {
      found = await discover(kernel);
      return found === true ? openComm(kernel, 'control', events) : null;
    },
    async (events) => (found === false ? null : openComm(kernel, 'shell', events)),
  ];
}

export function kernelController(kernel: KernelLike): Controller {
  return new Controller(kernelTransports(kernel));
}
