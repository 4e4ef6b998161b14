import { shorten, textWidth } from './text.ts';

/** A column of a table. */
export interface Column {
  readonly title: string;
  /** @default left */
  readonly align?: 'left' | 'right';
  /** Whether cells are shortened (in the middle) if the terminal is too narrow. Such cells have no style codes. */
  readonly flexible?: boolean;
}

/** Returns right-aligned columns with these titles. */
export function numberColumns(...titles: readonly string[]): Column[] {
  return titles.map((title) => ({ title, align: 'right' }));
}

/** Minimum width of a flexible column. */
const MIN_FLEXIBLE_WIDTH = 8;

/**
 * Formats a table: titles and rows, two spaces between columns, no trailing spaces.
 *
 * @param width - Width of the terminal. If the table is wider, flexible columns are shortened, the widest first.
 */
export function formatTable(columns: readonly Column[], rows: readonly (readonly string[])[], width: number): string[] {
  const widths = columns.map((column, index) =>
    Math.max(textWidth(column.title), ...rows.map((row) => textWidth(row[index] ?? ''))),
  );
  let excess = widths.reduce((sum, each) => sum + each, 2 * (columns.length - 1)) - width;
  for (; excess > 0; excess--) {
    const cut = Math.max(...widths.filter((_, index) => columns[index]?.flexible));
    if (cut <= MIN_FLEXIBLE_WIDTH) break;
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
