{# A field of a JSON text, as text; null where the text is no JSON. DuckDB and Trino name it otherwise. #}
{% macro json_text(column, name) %}
{%- if target.type == 'duckdb' -%}
case when json_valid({{ column }}) then json_extract_string({{ column }}, '$.{{ name }}') end
{%- else -%}
json_extract_scalar({{ column }}, '$.{{ name }}')
{%- endif -%}
{% endmacro %}
