/** Styles that the theme imports. */
declare module '*.css';
