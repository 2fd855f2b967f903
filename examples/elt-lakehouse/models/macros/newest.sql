-- Bronze keeps every version that was pulled; the newest of each key is the current row.
{% macro newest(relation, key='id') -%}
    select * from (
        select *, row_number() over (partition by {{ key }} order by _seq desc) as version_rank
        from {{ relation }}
    ) as versions
    where version_rank = 1
{%- endmacro %}
