/** The beds as the list tells them: each row is told of its own change alone. */
import { useSyncExternalStore } from 'react';
import type { Shown } from './beds';

export class Rows {
  private held = new Map<string, Shown>();
  private order: readonly string[] = [];
  private readonly watching = new Map<string, Set<() => void>>();

  clear(): void {
    this.held.clear();
    this.arrange([]);
  }

  set(rows: readonly Shown[]): void {
    for (const row of rows) {
      this.held.set(row.patient, row);
      this.tell(row.patient);
    }
    this.tell('rows');
  }

  arrange(order: readonly string[]): void {
    this.order = order;
    this.tell('');
    this.tell('rows');
  }

  get = (patient: string): Shown | undefined => this.held.get(patient);
  all = (): readonly string[] => this.order;

  /** `patient`; '' for the order, `rows` for any of them. */
  watch(patient: string, watcher: () => void): () => void {
    const mine = this.watching.get(patient) ?? new Set();
    this.watching.set(patient, mine.add(watcher));
    return () => mine.delete(watcher);
  }

  private tell(patient: string): void {
    this.watching.get(patient)?.forEach((watcher) => watcher());
  }
}

export const useRow = (rows: Rows, patient: string): Shown | undefined =>
  useSyncExternalStore((watcher) => rows.watch(patient, watcher), () => rows.get(patient));

export const useOrder = (rows: Rows): readonly string[] => useSyncExternalStore((watcher) => rows.watch('', watcher), rows.all);
