import { type HierarchyRectangularNode, hierarchy, treemap } from 'd3-hierarchy';
import { formatBytes, formatPercent, pluralize } from '../../terminal/quantity.ts';
import type { FileNode } from '../file-tree.ts';
import { html, type Markup } from './markup.ts';

/** Size of the layout. Positions are percentages of it. */
const WIDTH = 1000;
const HEIGHT = 620;

/** Height of the title of a node, and its minimum size for one. */
const TITLE = 24;
const MIN_TITLE_WIDTH = 70;
const MIN_TITLE_HEIGHT = 60;

/** Smallest node with a label, and with one on a narrow screen. */
const MIN_LABEL_WIDTH = 48;
const MIN_NARROW_LABEL_WIDTH = 150;
const MIN_LABEL_HEIGHT = 22;

/** A file of which little is read must not look unread. */
const MIN_INTENSITY = 45;

/** Draws the files of an image: an area for each, coloured by how much of it a start reads. */
export function drawTreemap(root: FileNode): Markup {
  const tree = hierarchy(root, ({ children }) => children).sum(({ size, children }) => (children ? 0 : size));
  const layout = treemap<FileNode>()
    .size([WIDTH, HEIGHT])
    .round(true)
    .paddingInner(2)
    .paddingOuter(({ depth }) => (depth > 0 ? 2 : 0))
    .paddingTop((node) => (node.depth > 0 && hasTitle(node) ? TITLE : 2))(tree);
  const nodes = layout.descendants().filter(({ depth, x0, x1, y0, y1 }) => depth > 0 && x1 - x0 >= 2 && y1 - y0 >= 2);
  return html`<div class="treemap" role="img" aria-label="Files of the image, coloured by what a start reads">${nodes.map(drawNode)}</div>`;
}

function hasTitle({ x0, x1, y0, y1 }: HierarchyRectangularNode<FileNode>): boolean {
  return x1 - x0 >= MIN_TITLE_WIDTH && y1 - y0 >= MIN_TITLE_HEIGHT;
}

function drawNode(node: HierarchyRectangularNode<FileNode>): Markup {
  const { data, children, depth, x0, x1, y0, y1 } = node;
  const [width, height] = [x1 - x0, y1 - y0];
  const isLabelled = children ? hasTitle(node) : width >= MIN_LABEL_WIDTH && height >= MIN_LABEL_HEIGHT;
  const kind = children ? (depth === 1 ? 'layer' : 'directory') : data.isKnown ? 'file' : 'unknown';
  const share = data.size === 0 ? 0 : data.read / data.size;
  const intensity = share === 0 ? 0 : Math.round(MIN_INTENSITY + (100 - MIN_INTENSITY) * share);
  const place = `left:${percent(x0, WIDTH)};top:${percent(y0, HEIGHT)};width:${percent(width, WIDTH)};height:${percent(height, HEIGHT)};--read:${intensity}%`;
  const label = isLabelled
    ? html`<span class="${width < MIN_NARROW_LABEL_WIDTH ? 'wide-only' : ''}">${data.name}</span>`
    : '';
  return html`<div class="${kind}" style="${place}" title="${describe(node)}">${label}</div>`;
}

/** Says what a node is: path, size, and what is read. */
function describe(node: HierarchyRectangularNode<FileNode>): string {
  const path = node
    .ancestors()
    .reverse()
    .slice(1)
    .map(({ data }) => data.name)
    .join('/');
  const { size, read, files, isKnown } = node.data;
  if (!isKnown) return `${path}: files unknown`;
  const what = files > 1 ? `${pluralize(files, 'file')}, ` : '';
  return `${path}: ${what}${formatBytes(size)}, ${read === 0 ? 'not read' : `${formatPercent(read, size)} read`}`;
}

function percent(value: number, whole: number): string {
  return `${Number(((100 * value) / whole).toFixed(3))}%`;
}
