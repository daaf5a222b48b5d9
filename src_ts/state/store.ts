/** A value that can be watched. */

export class Store<T> {
  private readonly listeners = new Set<(value: T) => void>();

  constructor(private current: T) {}

  get value(): T {
    return this.current;
  }

  get listenerCount(): number {
    return this.listeners.size;
  }

  set(value: T): void {
    if (Object.is(value, this.current)) return;
    this.current = value;
    for (const listener of [...this.listeners]) listener(value);
  }

  update(patch: Partial<T>): void {
    this.set({ ...this.current, ...patch });
  }

  /** Calls `listener` with every later value until the signal aborts. */
  subscribe(listener: (value: T) => void, signal: AbortSignal): void {
    if (signal.aborted) return;
    this.listeners.add(listener);
    signal.addEventListener('abort', () => this.listeners.delete(listener), { once: true });
  }
}
