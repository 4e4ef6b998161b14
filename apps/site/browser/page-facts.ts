/** What {@link readFacts} finds. */
export interface PageFacts {
  readonly title: string;
  /** Texts of the headings of level 1. */
  readonly headings: readonly string[];
  /** By how many pixels the page is wider than the screen. */
  readonly overflow: number;
}

/** Reads a page. Runs in the browser, so it uses nothing else. */
export function readFacts(): PageFacts {
  return {
    title: document.title,
    headings: [...document.querySelectorAll('h1')].map(({ textContent }) => textContent ?? ''),
    overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
  };
}

/** Text without enough contrast, and how many texts were compared. */
export interface ContrastReport {
  readonly texts: number;
  readonly problems: readonly string[];
}

/** Compares each visible text with its background (WCAG 2.2, 1.4.3: at least 4.5). Runs in the browser, so it uses nothing else. */
export function findLowContrast(): ContrastReport {
  type Color = readonly [red: number, green: number, blue: number, alpha: number];
  const parse = (color: string): Color => {
    const parts = (/^rgba?\(([^)]*)\)$/.exec(color)?.[1] ?? '').split(/[\s,/]+/).map(Number);
    const [red = Number.NaN, green = Number.NaN, blue = Number.NaN, alpha = 1] = parts;
    return [red, green, blue, alpha];
  };
  const blend = (over: Color, under: Color): Color => {
    const part = (i: 0 | 1 | 2) => over[i] * over[3] + under[i] * (1 - over[3]);
    return [part(0), part(1), part(2), 1];
  };
  const backgroundOf = (element: Element | null): Color => {
    if (element === null) return [255, 255, 255, 1];
    const color = parse(getComputedStyle(element).backgroundColor);
    return color[3] === 1 ? color : blend(color, backgroundOf(element.parentElement));
  };
  const luminance = (color: Color): number => {
    const [red = 0, green = 0, blue = 0] = color.slice(0, 3).map((value) => {
      const part = value / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const problems = new Set<string>();
  let texts = 0;
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
    const element = node.parentElement;
    if (!element?.checkVisibility({ opacityProperty: true, visibilityProperty: true }) || !node.textContent?.trim())
      continue;
    if (element.closest('svg, .visually-hidden, [aria-hidden="true"]')) continue;
    texts++;
    const background = backgroundOf(element);
    const text = blend(parse(getComputedStyle(element).color), background);
    const [light = 0, dark = 0] = [luminance(text), luminance(background)].sort((a, b) => b - a);
    const contrast = (light + 0.05) / (dark + 0.05);
    // A color in another notation than rgb() gives NaN, which is a problem too.
    if (!(contrast >= 4.5)) {
      const where = `${element.tagName.toLowerCase()}.${element.className}`;
      problems.add(`${where} "${node.textContent.trim().slice(0, 30)}": ${contrast.toFixed(2)}`);
    }
  }
  return { texts, problems: [...problems] };
}
