import {useState, type ReactNode} from 'react';
import {
  Button, Input, Label, ListBox, ListBoxItem, NumberField, Popover, Radio, RadioGroup, Select, SelectValue, Slider, SliderThumb, SliderTrack,
  Switch, Text, TextField,
} from 'react-aria-components';
import {Close, Down} from './icons';
import {fromSlider, toSlider} from './scale';

export interface Option {
  id: string;
  name: string;
  hint?: string;
}

/** One of a list. The empty string is a choice like any other ("any"). */
export function Pick({label, value, options, onChange, className = ''}: {
  label: string;
  value: string;
  options: Option[];
  onChange: (id: string) => void;
  className?: string;
}) {
  // A value from the address that the server does not know is shown, not silently dropped.
  const all = options.some((o) => o.id === value) ? options : [...options, {id: value, name: value}];
  return (
    <Select className={`field ${className}`} selectedKey={value || 'any-'} onSelectionChange={(key) => onChange(key === 'any-' ? '' : String(key))}>
      <Label>{label}</Label>
      <Button className="select">
        <SelectValue className="select-value">{() => all.find((o) => o.id === value)?.name}</SelectValue>
        <Down />
      </Button>
      <Popover className="popover" offset={4}>
        <ListBox className="listbox" items={all}>
          {(option) => (
            <ListBoxItem id={option.id || 'any-'} className="option" textValue={option.name}>
              <Text slot="label">{option.name}</Text>
              {option.hint && <Text slot="description" className="option-hint">{option.hint}</Text>}
            </ListBoxItem>
          )}
        </ListBox>
      </Popover>
    </Select>
  );
}

/** A few choices side by side. */
export function Segments({label, value, options, onChange, hideLabel = false}: {
  label: string;
  value: string;
  options: Option[];
  onChange: (id: string) => void;
  hideLabel?: boolean;
}) {
  return (
    <RadioGroup className="field segments" value={value} onChange={onChange} orientation="horizontal">
      <Label className={hideLabel ? 'visually-hidden' : 'field-label'}>{label}</Label>
      <div className="segment-row">
        {options.map((option) => (
          <Radio key={option.id} value={option.id} className="segment">{option.name}</Radio>
        ))}
      </div>
    </RadioGroup>
  );
}

export function Toggle({label, value, onChange}: {label: string; value: boolean; onChange: (on: boolean) => void}) {
  return (
    <Switch className="switch" isSelected={value} onChange={onChange}>
      <span className="switch-track" aria-hidden="true"><span className="switch-knob" /></span>
      {label}
    </Switch>
  );
}

export function Words({label, value, onChange, hint, placeholder, onCommit}: {
  label: string;
  value: string;
  onChange: (text: string) => void;
  hint?: string;
  placeholder?: string;
  onCommit?: () => void;
}) {
  return (
    <TextField className="field" value={value} onChange={onChange} onBlur={onCommit} autoComplete="off">
      <Label>{label}</Label>
      <Input className="input" placeholder={placeholder} spellCheck={false} onKeyDown={(e) => { if (e.key === 'Enter') onCommit?.(); }} />
      {hint && <Text slot="description" className="hint">{hint}</Text>}
    </TextField>
  );
}

/** A whole number that may be absent. */
export function Count({label, value, onChange, min = 0, max, placeholder, step}: {
  label: string;
  value: number | undefined;
  onChange: (value: number | undefined) => void;
  min?: number;
  max?: number;
  placeholder?: string;
  step?: number;
}) {
  return (
    <NumberField className="field" value={value ?? NaN} minValue={min} maxValue={max} step={step} onChange={(v) => onChange(Number.isNaN(v) ? undefined : v)}>
      <Label>{label}</Label>
      <Input className="input num" placeholder={placeholder} />
    </NumberField>
  );
}

/**
 * A quantity over orders of magnitude: a slider on a logarithmic scale with the exact number beside
 * it. Absent is a state of its own: the first move sets it, the cross takes it away again.
 */
export function Range({label, value, onChange, least, most, unit, absent, rest, off, linear = false, format}: {
  label: string;
  value: number | undefined;
  onChange: (value: number | undefined) => void;
  least: number;
  most: number;
  unit: string;
  absent: string;
  /** Where the thumb rests while there is no value. */
  rest?: number;
  /** Name of the button that takes the value away; without it the value always stays. */
  off?: string;
  linear?: boolean;
  format: (value: number) => string;
}) {
  const scale = {least: Math.min(least, value ?? least), most: Math.max(most, value ?? most), linear};
  // The thumb's own place counts while it stands for the value, so that rounding does not pull it back.
  const [held, setHeld] = useState<number | null>(null);
  const place = held !== null && fromSlider(held, scale) === value ? held : toSlider(value ?? rest ?? most, scale);
  return (
    <div className={`range ${value === undefined ? 'range-absent' : ''}`}>
      <Slider
        className="slider"
        minValue={0}
        maxValue={1000}
        value={place}
        onChange={(next) => {
          setHeld(next as number);
          onChange(fromSlider(next as number, scale));
        }}
      >
        <div className="range-head">
          <Label>{label}</Label>
          <span className="range-value">{value === undefined ? absent : format(value)}</span>
        </div>
        <SliderTrack className="slider-track">
          {({state}) => (
            <>
              <span className="slider-rail" />
              {value !== undefined && <span className="slider-fill" style={{width: `${state.getThumbPercent(0) * 100}%`}} />}
              <SliderThumb className="slider-thumb" aria-label={label} />
            </>
          )}
        </SliderTrack>
      </Slider>
      <div className="range-exact">
        <NumberField aria-label={unit ? `${label} (${unit})` : label} value={value ?? NaN} minValue={linear ? least : 0} formatOptions={{maximumSignificantDigits: 6}}
          onChange={(v) => { if (!Number.isNaN(v) && (v > 0 || linear)) onChange(v); else if (off) onChange(undefined); }}>
          <Input className="input num tiny" placeholder="–" />
        </NumberField>
        <span className="unit" aria-hidden="true">{unit}</span>
        {off && (
          <Button className="icon-button" aria-label={off} isDisabled={value === undefined} onPress={() => onChange(undefined)}><Close /></Button>
        )}
      </div>
    </div>
  );
}

export function Group({title, children}: {title: string; children: ReactNode}) {
  return (
    <fieldset className="group">
      <legend>{title}</legend>
      {children}
    </fieldset>
  );
}
