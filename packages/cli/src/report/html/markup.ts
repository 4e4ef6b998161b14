import { escapeText } from '@soci/oci';

/** HTML in which text is escaped. */
export class Markup {
  readonly text: string;

  /** Use {@link html} for anything that is not a constant. */
  constructor(text: string) {
    this.text = text;
  }
}

type Value = string | number | Markup | readonly Markup[];

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Creates HTML from a template. Escapes each value that is not {@link Markup}, also for attributes in double quotes. */
export function html(strings: TemplateStringsArray, ...values: readonly Value[]): Markup {
  const parts = strings.map((literal, i) => literal + (i < values.length ? render(values[i] as Value) : ''));
  return new Markup(parts.join(''));
}

function render(value: Value): string {
  if (value instanceof Markup) return value.text;
  if (typeof value === 'object') return value.map(({ text }) => text).join('');
  // Also characters that change the direction of text.
  return escapeText(String(value)).replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}
