import { shorten, textWidth } from './text.ts';

/** One column of a table. */
export interface Column {
  readonly title: string;
  /** Numbers stand right. @default left */
  readonly align?: 'left' | 'right';
  /** Whether the column may be cut (in its middle) where the terminal is too narrow. Its cells hold no style codes. */
  readonly flexible?: boolean;
}

/** Columns of numbers, by their titles. */
export function numbers(...titles: readonly string[]): Column[] {
  return titles.map((title) => ({ title, align: 'right' }));
}

/** What a flexible column is never cut below. */
const LEAST_FLEXIBLE_WIDTH = 8;

/**
 * Lays out rows under their titles, two spaces between columns, nothing after the last.
 *
 * @param width columns of the terminal; where the table is wider, flexible columns give way, the widest first.
 */
export function layOutTable(columns: readonly Column[], rows: readonly (readonly string[])[], width: number): string[] {
  const widths = columns.map((column, index) =>
    Math.max(textWidth(column.title), ...rows.map((row) => textWidth(row[index] ?? ''))),
  );
  let excess = widths.reduce((sum, each) => sum + each, 2 * (columns.length - 1)) - width;
  for (; excess > 0; excess--) {
    const cut = Math.max(...widths.filter((_, index) => columns[index]?.flexible));
    if (cut <= LEAST_FLEXIBLE_WIDTH) break;
    widths[widths.findIndex((each, index) => each === cut && columns[index]?.flexible)] = cut - 1;
  }
  return [columns.map((column) => column.title), ...rows].map((row) =>
    columns
      .map((column, index) => {
        const cell = column.flexible ? shorten(row[index] ?? '', widths[index] ?? 0) : (row[index] ?? '');
        const padding = ' '.repeat(Math.max(0, (widths[index] ?? 0) - textWidth(cell)));
        return column.align === 'right' ? padding + cell : cell + padding;
      })
      .join('  ')
      .trimEnd(),
  );
}
