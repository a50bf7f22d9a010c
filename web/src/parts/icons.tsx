const icon = (d: string) =>
  function Icon() {
    return (
      <svg className="icon" width="16" height="16" viewBox="0 0 16 16" aria-hidden="true">
        <path d={d} fill="none" stroke="currentColor" strokeWidth="1.5" strokeLinecap="round" strokeLinejoin="round" />
      </svg>
    );
  };

export const Close = icon('M4 4l8 8M12 4l-8 8');
export const Down = icon('M4 6.5 8 10.5l4-4');
export const Search = icon('M7 12A5 5 0 1 0 7 2a5 5 0 0 0 0 10ZM10.7 10.7 14 14');
export const Copy = icon('M6 6h7v7H6zM3 10V3h7');
export const Save = icon('M8 2v8M4.5 7 8 10.5 11.5 7M3 13.5h10');
export const Go = icon('M3 8h10M9 4l4 4-4 4');
export const Back = icon('M13 8H3M7 4 3 8l4 4');
export const Sun = icon('M8 5a3 3 0 1 0 0 6 3 3 0 0 0 0-6ZM8 1v1.5M8 13.5V15M1 8h1.5M13.5 8H15M3 3l1 1M12 12l1 1M3 13l1-1M12 4l1-1');
export const Moon = icon('M13 9.5A5.5 5.5 0 0 1 6.5 3 5.5 5.5 0 1 0 13 9.5Z');
export const Half = icon('M8 2.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11ZM8 2.5v11M8 5l3.5-1M8 8h5M8 11l3.5 1');
export const Sliders = icon('M2 5h6M12 5h2M2 11h2M8 11h6M10 3v4M6 9v4');
export const Check = icon('M3 8.5 6.5 12 13 4.5');
